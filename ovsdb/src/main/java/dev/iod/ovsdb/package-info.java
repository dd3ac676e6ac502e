/**
 * OVSDB client (RFC 7047): schema-checked rows, conditional monitors, transactions.
 *
 * <p>The one class to start with is {@link dev.iod.ovsdb.Replica}:
 *
 * {@snippet :
 * var config =
 *         Replica.Config.of(
 *                 "nb",
 *                 "OVN_Northbound",
 *                 List.of(Endpoint.parse("unix:/run/ovn/nb.sock")),
 *                 List.of(
 *                         Table.of("Logical_Switch", "name", "ports", "external_ids"),
 *                         Table.of("Logical_Switch_Port", "name", "up")));
 * try (Replica nb = Replica.open(config, update -> wakeReconciler())) {
 *     nb.awaitSynced(Duration.ofSeconds(5));
 *     Optional<Row> net =
 *             nb.read(view -> view.first("Logical_Switch", row -> row.text("name").equals("net1")));
 *     List<Operation.Result> done =
 *             nb.transactAndWait(
 *                     List.of(
 *                             Operation.insert(
 *                                     "Logical_Switch_Port",
 *                                     "p",
 *                                     Map.of("name", Value.of("port1"))),
 *                             Operation.mutate(
 *                                     "Logical_Switch",
 *                                     Condition.uuid(net.orElseThrow().uuid()),
 *                                     Mutation.insert("ports", Value.named("p")))),
 *                     Duration.ofSeconds(5));
 *     UUID port = done.getFirst().uuid().orElseThrow();
 * }
 * }
 *
 * <p><b>Threads.</b> Each replica has one thread, {@code ovsdb-NAME}: it connects, reads, applies
 * updates, completes transactions and calls the listener. A listener must be quick (it holds up
 * echo replies) and must not wait for a transaction. A second thread, {@code ovsdb-NAME-probe},
 * closes a connection whose server is gone ({@code Silence}). Every other method may be called from
 * any thread.
 *
 * <p><b>Bounds.</b> Pending transactions: {@link dev.iod.ovsdb.Replica#PENDING_LIMIT}, each with a
 * deadline. A request: {@link dev.iod.ovsdb.Replica#REQUEST_LIMIT_BYTES}. Memory: the rows the
 * monitor conditions select; a document is never held as a whole. Reconnect: exponential back-off
 * with a ceiling, for ever.
 */
package dev.iod.ovsdb;
