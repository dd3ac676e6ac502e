/**
 * The contract between a region and its nodes: {@code node.proto}, which is the document to read,
 * and both ends of the transport that carries it (gRPC, mutual TLS). Generated code says nothing
 * about nulls, so only the written classes are null-marked.
 */
module dev.iod.node {
    requires static transitive org.jspecify;
    requires transitive com.google.protobuf;
    requires transitive io.grpc;
    requires transitive io.grpc.stub;
    requires io.grpc.protobuf;
    requires io.grpc.netty.shaded;
    requires com.google.common;
    requires java.naming;

    exports dev.iod.node;
}
