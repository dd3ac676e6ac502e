/** What ./iod runs: builds run directories, supervises, shows status, runs the demo. */
package dev.iod.cli;
