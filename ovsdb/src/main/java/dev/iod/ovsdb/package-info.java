/** OVSDB client (RFC 7047): schema-checked rows, transactions, conditional monitors. */
package dev.iod.ovsdb;
