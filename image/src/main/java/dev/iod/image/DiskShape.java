package dev.iod.image;

/**
 * What the bytes of an image say of the disk in them.
 *
 * @param virtualBytes size of the disk that a guest sees, 0 to {@link
 *     FormatInspector#MAX_VIRTUAL_BYTES} unless it is raw
 */
record DiskShape(DiskFormat format, long virtualBytes) {}
