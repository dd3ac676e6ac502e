/**
 * The contract between a region and its nodes (protobuf over gRPC). All of its Java is generated
 * from {@code node.proto}, which is the document to read; generated code says nothing about nulls,
 * so this module is not null-marked.
 */
module dev.iod.node {
    requires static transitive org.jspecify;
    requires transitive com.google.protobuf;
    requires transitive io.grpc;
    requires transitive io.grpc.stub;
    requires io.grpc.protobuf;
    requires com.google.common;

    exports dev.iod.node;
}
