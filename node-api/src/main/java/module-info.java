/** The contract between a region and its nodes (protobuf over gRPC). */
@org.jspecify.annotations.NullMarked
module dev.iod.node {
    requires static transitive org.jspecify;
    requires transitive com.google.protobuf;
}
