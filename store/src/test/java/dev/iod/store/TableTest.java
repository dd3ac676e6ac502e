package dev.iod.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.iod.store.StoreException.Reason;
import dev.iod.store.testing.PostgresFixture;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TableTest {
    private Database database;

    /** Public, for Jdbi makes it. */
    public record Shelf(
            String id,
            String ownerId,
            Optional<String> note,
            Map<String, String> labels,
            List<String> books,
            Instant madeAt) {
        static final Table<Shelf> TABLE =
                Table.of(Shelf.class, "shelf", "id")
                        .computed(
                                "books",
                                "ARRAY(SELECT b.title FROM book b WHERE b.shelf_id = shelf.id"
                                        + " ORDER BY b.title)")
                        .sorted(Map.of("owner", "owner_id"), "owner");
    }

    /** Public, for Jdbi makes it. */
    public record Ticket(UUID id, long number) {
        static final Table<Ticket> TABLE =
                Table.of(Ticket.class, "ticket", "id")
                        .sorted(Map.of("made", "number"), "made")
                        .reversed();
    }

    @BeforeAll
    void start() {
        database = Database.open(PostgresFixture.newDatabase(), 4);
        database.run(
                handle -> {
                    handle.execute(
                            "CREATE TABLE shelf (id text PRIMARY KEY, owner_id text NOT NULL,"
                                    + " note text, labels jsonb NOT NULL DEFAULT '{}', made_at"
                                    + " timestamptz NOT NULL DEFAULT now(), CONSTRAINT shelf_note"
                                    + " UNIQUE (note))");
                    handle.execute("CREATE TABLE book (shelf_id text, title text)");
                    handle.execute("INSERT INTO book VALUES ('b', 'two'), ('b', 'one')");
                    for (String id : List.of("a", "b", "c", "d")) {
                        Shelf.TABLE.insert(handle, row(id, id.equals("a") ? "y" : "x"));
                    }
                });
    }

    @AfterAll
    void stop() {
        database.close();
    }

    private static Columns row(String id, String owner) {
        return new Columns().set("id", id).set("owner_id", owner);
    }

    private List<String> list(Where where, Page page) {
        return database.read(handle -> Shelf.TABLE.list(handle, where, page)).rows().stream()
                .map(Shelf::id)
                .toList();
    }

    private Optional<Shelf> find(String id) {
        return database.read(handle -> Shelf.TABLE.first(handle, Shelf.TABLE.is(id)));
    }

    @Test
    void rowsAreRecords() {
        Shelf made =
                database.transaction(
                        handle ->
                                Shelf.TABLE.insert(
                                        handle,
                                        row("e", "z")
                                                .set("labels", Map.of("k", "v\"1"))
                                                .set("note", Optional.of("n"))));
        assertThat(made.labels()).isEqualTo(Map.of("k", "v\"1"));
        assertThat(made.note()).contains("n");
        assertThat(made.books()).isEmpty();
        Shelf changed =
                database.transaction(
                                handle ->
                                        Shelf.TABLE.update(
                                                handle,
                                                Shelf.TABLE.is("e"),
                                                new Columns()
                                                        .set("note", Optional.empty())
                                                        .change("owner_id", Optional.empty())))
                        .orElseThrow();
        assertThat(changed.note()).isEmpty();
        assertThat(changed.ownerId()).isEqualTo("z");
        assertThat(changed.madeAt()).isEqualTo(made.madeAt());
        assertThat(
                        database.<Integer>transaction(
                                handle -> Shelf.TABLE.delete(handle, Shelf.TABLE.is("e"))))
                .isEqualTo(1);
        assertThat(find("e")).isEmpty();
    }

    @Test
    void computedColumnsAreThereEverywhere() {
        assertThat(find("b")).get().extracting(Shelf::books).isEqualTo(List.of("one", "two"));
    }

    @Test
    void listsAreInTheirOrderAndGoOnByMarkerOrOffset() {
        assertThat(list(Where.ALL, Page.first(9))).containsExactly("b", "c", "d", "a");
        assertThat(list(Where.ALL, Page.first(2).from(1))).containsExactly("c", "d");
        assertThat(
                        list(
                                Where.of("owner_id = ?", "x").in("id", List.of("c", "d", "a")),
                                Page.first(9)))
                .containsExactly("c", "d");
        Page next = new Page(2, Optional.of("c"), List.of(), false, 0);
        assertThat(list(Where.ALL, next)).containsExactly("d", "a");
        assertThat(
                        database.<Long>read(
                                handle -> Shelf.TABLE.count(handle, Where.of("owner_id = ?", "x"))))
                .isEqualTo(3);
    }

    @Test
    void whatIsNotUniqueSaysOfWhat() {
        AtomicInteger attempts = new AtomicInteger();
        assertThatThrownBy(
                        () ->
                                database.run(
                                        handle -> {
                                            attempts.incrementAndGet();
                                            Shelf.TABLE.insert(handle, row("a", "x"));
                                        }))
                .isInstanceOfSatisfying(
                        StoreException.class,
                        e -> {
                            assertThat(e.reason()).isEqualTo(Reason.DUPLICATE);
                            assertThat(e.constraint()).isEqualTo("shelf_pkey");
                        });
        assertThat(attempts).hasValue(1);
        Columns note = new Columns().set("note", "same");
        assertThatThrownBy(
                        () ->
                                database.run(
                                        handle -> {
                                            Shelf.TABLE.update(handle, Shelf.TABLE.is("a"), note);
                                            Shelf.TABLE.update(handle, Shelf.TABLE.is("b"), note);
                                        }))
                .isInstanceOfSatisfying(
                        StoreException.class,
                        e -> assertThat(e.constraint()).isEqualTo("shelf_note"));
    }

    @Test
    void markersMayBeUuidsAndListsMayBeginAtTheirEnds() {
        List<UUID> ids = List.of(new UUID(1, 3), new UUID(1, 1), new UUID(1, 2));
        List<UUID> listed = new ArrayList<>();
        database.run(
                handle -> {
                    handle.execute("CREATE TABLE ticket (id uuid PRIMARY KEY, number bigint)");
                    for (int i = 0; i < ids.size(); i++) {
                        handle.execute("INSERT INTO ticket VALUES (?, ?)", ids.get(i), i);
                    }
                    Optional<String> marker = Optional.empty();
                    for (int i = 0; i < ids.size(); i++) {
                        Page page = new Page(1, marker, List.of(), false, 0);
                        UUID next =
                                Ticket.TABLE.list(handle, Where.ALL, page).rows().getFirst().id();
                        listed.add(next);
                        marker = Optional.of(next.toString());
                    }
                });
        assertThat(listed).containsExactlyElementsOf(ids.reversed());
        Page none = new Page(1, Optional.of("x"), List.of(), false, 0);
        assertThatThrownBy(
                        () -> database.read(handle -> Ticket.TABLE.list(handle, Where.ALL, none)))
                .isInstanceOfSatisfying(
                        StoreException.class,
                        e -> assertThat(e.reason()).isEqualTo(Reason.UNKNOWN_MARKER));
    }
}
