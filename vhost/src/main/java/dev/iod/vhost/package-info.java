/** The vhost-user back end: protocol, guest memory map, virtqueues; device-neutral. */
package dev.iod.vhost;
