-- By what a server's first disk is booted; null: it boots a kernel. With a firmware there is no kernel: kernel_image_id,
-- initrd_image_id and their sums are empty, as Nova shows them.
ALTER TABLE server ADD COLUMN firmware text CHECK (firmware IN ('bios', 'uefi', 'uefi_secure_boot'));
