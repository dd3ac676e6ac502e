/**
 * The image service (OpenStack Image API v2): metadata in the database, bytes in a directory.
 *
 * <p>Uploads are streamed by the request's own thread into a temporary file that takes its name
 * only when it is complete. An image is at most {@link dev.iod.image.ImageFiles#MAX_BYTES}. Of
 * disks in another format than raw, one thread makes raw ones, an image at a time, in a process
 * that may do nothing else; a request waits for its own.
 */
@org.jspecify.annotations.NullMarked
package dev.iod.image;
