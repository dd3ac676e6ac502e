package dev.iod.identity;

import java.util.UUID;

/** Keystone's form of ids. */
final class Ids {
    private Ids() {}

    /** A random UUID as 32 hex digits. */
    static String random() {
        return UUID.randomUUID().toString().replace("-", "");
    }
}
