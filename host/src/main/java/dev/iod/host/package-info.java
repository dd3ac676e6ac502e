/** virtDaemon: starts, stops and watches VMMs when its DPU says so. */
package dev.iod.host;
