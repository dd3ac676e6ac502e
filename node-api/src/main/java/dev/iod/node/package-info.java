/** The contract between a region and its nodes (protobuf over gRPC). */
package dev.iod.node;
