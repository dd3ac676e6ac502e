/**
 * The image service (OpenStack Image API v2): metadata in the database, bytes in a directory.
 *
 * <p>Uploads are streamed by the request's own thread into a temporary file that takes its name
 * only when it is complete. An image is at most {@link dev.iod.image.ImageFiles#MAX_BYTES}. Of
 * disks in another format than raw, two threads make raw ones, one image of a project at a time, in
 * processes that may do nothing else; a request waits for its own. Imports run in threads of their
 * own, 32 at once and three of a project, and their tasks are in the database.
 */
@org.jspecify.annotations.NullMarked
package dev.iod.image;
