/** The region's certificates: its authority, and the requests it signs. */
@org.jspecify.annotations.NullMarked
module dev.iod.pki {
    requires static transitive org.jspecify;
    requires dev.iod.runtime;
    requires org.bouncycastle.pkix;
    requires org.bouncycastle.provider;

    exports dev.iod.pki;
}
