package dev.iod.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.iod.identity.testing.TestRegion;
import dev.iod.image.ImageApi;
import dev.iod.image.ImageFiles;
import dev.iod.image.ImageService;
import dev.iod.image.Images;
import dev.iod.image.QemuConverter;
import dev.iod.node.CaptureChunk;
import dev.iod.node.CaptureData;
import dev.iod.node.CaptureProgress;
import dev.iod.node.CaptureStart;
import dev.iod.node.ConsoleInput;
import dev.iod.node.ConsoleKind;
import dev.iod.node.ConsoleOpened;
import dev.iod.node.ConsoleOutput;
import dev.iod.node.ConsoleReply;
import dev.iod.node.Disk;
import dev.iod.node.FetchImageRequest;
import dev.iod.node.Goal;
import dev.iod.node.Hello;
import dev.iod.node.ImageChunk;
import dev.iod.node.ImagePart;
import dev.iod.node.JoinReply;
import dev.iod.node.JoinRequest;
import dev.iod.node.KernelBoot;
import dev.iod.node.NodeListener;
import dev.iod.node.NodeMessage;
import dev.iod.node.Observed;
import dev.iod.node.RegionGrpc;
import dev.iod.node.RegionLink;
import dev.iod.node.RegionMessage;
import dev.iod.node.Server;
import dev.iod.node.Traits;
import dev.iod.node.UseConsole;
import dev.iod.pki.CertificateAuthority;
import dev.iod.pki.SigningRequest;
import dev.iod.region.Actor;
import dev.iod.region.ConnectedNodes;
import dev.iod.region.Grace;
import dev.iod.region.NodeApi;
import dev.iod.region.NodeConsole;
import dev.iod.region.NodeGoals;
import dev.iod.region.NodeObserver;
import dev.iod.region.RegionService;
import dev.iod.region.Service;
import dev.iod.region.Sessions;
import dev.iod.rest.ApiException;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.runtime.Keys;
import dev.iod.runtime.Pem;
import dev.iod.runtime.TlsIdentity;
import dev.iod.store.Database;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayOutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** The region's side over the real transport, with real certificates. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RegionServiceTest {
    private static final int WAIT_SECONDS = 20;

    private final CertificateAuthority authority =
            CertificateAuthority.create("test region", Clock.systemUTC());
    private final BlockingQueue<String> observations = new LinkedBlockingQueue<>();
    private volatile Goal goal = Goal.getDefaultInstance();
    private TestRegion region;
    private final ConnectedNodes nodes = new ConnectedNodes(new Grace(Clock.systemUTC()));
    private Sessions sessions;
    private NodeListener listener;
    private ImageService images;
    private HttpCaller admin;

    @BeforeAll
    void start(@TempDir Path directory) throws Exception {
        Clock clock = Clock.systemUTC();
        ImageService[] images = new ImageService[1];
        region =
                new TestRegion(
                        database -> {
                            images[0] =
                                    new ImageService(
                                            database,
                                            new ImageFiles(directory),
                                            new QemuConverter("nobody"),
                                            clock);
                            return List.of(
                                    ImageApi.service(database, images[0]),
                                    NodeApi.service(database, List.of(), clock));
                        });
        Database database = region.database();
        sessions =
                new Sessions(
                        database,
                        nodes,
                        List.of(
                                Service.unlisted("/none", List.of())
                                        .nodes(
                                                (handle, node, whole) -> whole.mergeFrom(goal),
                                                new Recorder())
                                        .build()),
                        clock);
        this.images = images[0];
        listener = listen(sessions);
        admin = region.admin();
    }

    private NodeListener listen(Sessions served) throws Exception {
        KeyPair pair = Keys.generate();
        TlsIdentity identity =
                new TlsIdentity(
                        pair.getPrivate(),
                        List.of(
                                authority.issueServer(
                                        pair.getPublic(),
                                        "region",
                                        List.of(),
                                        List.of(InetAddress.getByName("127.0.0.1")))),
                        List.of(authority.certificate()));
        return NodeListener.start(
                new InetSocketAddress("127.0.0.1", 0),
                identity.keyManager(),
                TlsIdentity.trustManager(identity.authorities()),
                new RegionService(
                        region.database(),
                        served,
                        images::file,
                        images.captures(),
                        authority,
                        Clock.systemUTC()));
    }

    @AfterAll
    void stop() {
        sessions.close();
        listener.close();
        region.close();
    }

    @Test
    void aTokenIsGoodOnceForItsNode() {
        String token = invite("t1");
        assertThatThrownBy(() -> join("t2", token)).isInstanceOf(StatusRuntimeException.class);
        KeyPair other = Keys.generate();
        JoinRequest lying =
                JoinRequest.newBuilder()
                        .setToken(token)
                        .setNode("t1")
                        .setSigningRequest(
                                ByteString.copyFrom(SigningRequest.build(other, "someone")))
                        .build();
        assertThat(code(() -> ask(lying))).isEqualTo(Status.Code.INVALID_ARGUMENT);
        assertThat(code(() -> ask(lying.toBuilder().setSigningRequest(ByteString.EMPTY).build())))
                .isEqualTo(Status.Code.INVALID_ARGUMENT);
        // Neither of these used the token up.
        TlsIdentity identity = join("t1", token);
        assertThat(identity.chain().getFirst().getSubjectX500Principal().getName())
                .isEqualTo("CN=t1");
        assertThat(code(() -> join("t1", token))).isEqualTo(Status.Code.PERMISSION_DENIED);
        assertThat(admin.get("/iod/v1/nodes/t1").json().at("/node/state").stringValue())
                .isEqualTo("down");
        assertThat(admin.post("/iod/v1/nodes", "{'node':{'name':'../x'}}").status()).isEqualTo(400);
        assertThat(region.member("eve").get("/iod/v1/nodes").status()).isEqualTo(403);
    }

    @Test
    void aSessionCarriesGoalsAndObservations() throws Exception {
        try (FakeNode node = new FakeNode("s1")) {
            node.hello("s1");
            assertThat(node.goal()).isZero();
            long revision = touch("s1");
            assertThat(node.goalAtLeast(revision)).isEqualTo(revision);
            for (int i = 0; i < 50; i++) {
                revision = touch("s1");
            }
            assertThat(node.goalAtLeast(revision)).isEqualTo(revision);
            node.up.onNext(
                    NodeMessage.newBuilder()
                            .setObserved(
                                    Observed.newBuilder()
                                            .setGoalRevision(revision)
                                            .setDiskMib(4000))
                            .build());
            assertThat(observations.poll(WAIT_SECONDS, TimeUnit.SECONDS))
                    .isEqualTo("s1 " + revision);
            // One that does not know its pool takes back nothing.
            node.up.onNext(
                    NodeMessage.newBuilder()
                            .setObserved(Observed.newBuilder().setGoalRevision(revision))
                            .build());
            assertThat(observations.poll(WAIT_SECONDS, TimeUnit.SECONDS))
                    .isEqualTo("s1 " + revision);
            assertThat(nodes.connected("s1")).isTrue();
            var shown = admin.get("/iod/v1/nodes/s1").json().path("node");
            assertThat(shown.path("state").stringValue()).isEqualTo("up");
            assertThat(shown.path("vcpus").intValue()).isEqualTo(4);
            assertThat(shown.path("disk_mib").intValue()).isEqualTo(4000);
            node.up.onNext(
                    NodeMessage.newBuilder()
                            .setObserved(Observed.newBuilder().setDiskMib(-1))
                            .build());
            assertThat(node.end()).isEqualTo(Status.Code.INVALID_ARGUMENT);
        }
    }

    @Test
    void aNewerSessionEndsTheOlder() throws Exception {
        try (FakeNode first = new FakeNode("d1")) {
            first.hello("d1");
            first.goal();
            try (FakeNode second = new FakeNode("d1", first.identity)) {
                second.hello("d1");
                second.goal();
                assertThat(first.end()).isEqualTo(Status.Code.ABORTED);
                long revision = touch("d1");
                assertThat(second.goalAtLeast(revision)).isEqualTo(revision);
                assertThat(nodes.connected("d1")).isTrue();
            }
        }
    }

    @Test
    void strangersAndLiarsAreRefused() throws Exception {
        try (FakeNode nobody = new FakeNode(Optional.empty())) {
            assertThat(nobody.end()).isEqualTo(Status.Code.UNAUTHENTICATED);
        }
        try (FakeNode liar = new FakeNode("l1")) {
            liar.hello("s1");
            assertThat(liar.end()).isEqualTo(Status.Code.INVALID_ARGUMENT);
        }
        try (FakeNode silent = new FakeNode("l2")) {
            silent.up.onNext(
                    NodeMessage.newBuilder().setObserved(Observed.getDefaultInstance()).build());
            assertThat(silent.end()).isEqualTo(Status.Code.INVALID_ARGUMENT);
        }
    }

    @Test
    void aRemovedNodeIsOutAtOnceAndForGood() throws Exception {
        String image = image(new byte[10]);
        ImagePart part = ImagePart.newBuilder().setImageId(image).build();
        goal = Goal.newBuilder().addServers(boots(KernelBoot.newBuilder().setKernel(part))).build();
        try (FakeNode node = new FakeNode("x1")) {
            node.hello("x1");
            node.goal();
            assertThat(node.fetch(image, 0)).hasSize(10);
            String unused = invite("x1");
            assertThat(admin.delete("/iod/v1/nodes/x1").status()).isEqualTo(204);
            assertThat(node.end()).isEqualTo(Status.Code.PERMISSION_DENIED);
            assertThat(nodes.connected("x1")).isFalse();
            assertThat(code(() -> node.fetch(image, 0))).isEqualTo(Status.Code.PERMISSION_DENIED);
            try (FakeNode again = new FakeNode("x1", node.identity)) {
                again.hello("x1");
                assertThat(again.end()).isEqualTo(Status.Code.PERMISSION_DENIED);
            }
            assertThat(code(() -> join("x1", unused)))
                    .as("a token from before")
                    .isEqualTo(Status.Code.PERMISSION_DENIED);
            // A region that was started anew knows it no more than this one.
            ConnectedNodes others = new ConnectedNodes(new Grace(Clock.systemUTC()));
            try (Sessions later =
                            new Sessions(region.database(), others, List.of(), Clock.systemUTC());
                    NodeListener door = listen(later);
                    FakeNode again = new FakeNode(node.identity, door.port())) {
                again.hello("x1");
                assertThat(again.end()).isEqualTo(Status.Code.PERMISSION_DENIED);
            }
            try (FakeNode anew = new FakeNode("x1")) {
                anew.hello("x1");
                assertThat(anew.goal()).isZero();
                try (FakeNode old = new FakeNode("x1", node.identity)) {
                    assertThat(old.end())
                            .as("the certificate of the node that was removed")
                            .isEqualTo(Status.Code.PERMISSION_DENIED);
                }
            }
        } finally {
            goal = Goal.getDefaultInstance();
        }
    }

    @Test
    void joiningAgainEndsTheCertificateBefore() throws Exception {
        try (FakeNode first = new FakeNode("y1")) {
            first.hello("y1");
            first.goal();
            try (FakeNode second = new FakeNode("y1")) {
                assertThat(first.end()).isEqualTo(Status.Code.PERMISSION_DENIED);
                second.hello("y1");
                second.goal();
                assertThat(nodes.connected("y1")).isTrue();
            }
        }
    }

    /** A node that joined before certificates were kept goes on with the one it shows next. */
    @Test
    void aNodeFromBeforeKeepsItsCertificate() throws Exception {
        try (FakeNode node = new FakeNode("z1")) {
            region.database()
                    .run(
                            handle ->
                                    handle.execute(
                                            "UPDATE node SET certificate = NULL WHERE name = 'z1'"));
            node.hello("z1");
            node.goal();
        }
        String kept =
                region.database()
                        .read(
                                handle ->
                                        handle.createQuery(
                                                        "SELECT certificate FROM node WHERE name = 'z1'")
                                                .mapTo(String.class)
                                                .one());
        assertThat(kept).isNotEmpty();
    }

    /** What is not worth a look costs the region no signature. */
    @Test
    void theTokenIsLookedAtBeforeTheRequest() {
        JoinRequest junk =
                JoinRequest.newBuilder()
                        .setToken("nobody made this")
                        .setNode("w1")
                        .setSigningRequest(ByteString.copyFromUtf8("no signing request"))
                        .build();
        assertThat(code(() -> ask(junk))).isEqualTo(Status.Code.PERMISSION_DENIED);
        String token = invite("w1");
        assertThat(code(() -> ask(junk.toBuilder().setToken(token).build())))
                .isEqualTo(Status.Code.INVALID_ARGUMENT);
        join("w1", token);
    }

    @Test
    void consolesAreAskedForAndHaveADeadline() throws Exception {
        assertThatThrownBy(() -> nodes.console("nobody", "x", 10))
                .isInstanceOf(ApiException.class)
                .hasMessageContaining("not connected");
        try (FakeNode node = new FakeNode("c1")) {
            node.hello("c1");
            node.goal();
            assertThat(new String(nodes.console("c1", "good", 10), StandardCharsets.UTF_8))
                    .isEqualTo("console of good");
            assertThatThrownBy(() -> nodes.console("c1", "bad", 10))
                    .hasMessageContaining("no such server");
            assertThatThrownBy(() -> nodes.console("c1", "silent", 10))
                    .hasMessageContaining("did not answer");
        }
    }

    @Test
    void consolesAreCarriedByTheNodeThatWasAsked() throws Exception {
        assertThatThrownBy(() -> nodes.use("nobody", "x", "p", ConsoleKind.CONSOLE_VNC))
                .isInstanceOf(ApiException.class)
                .hasMessageContaining("not connected");
        TlsIdentity identity = join("c2", invite("c2"));
        TlsIdentity other = join("c3", invite("c3"));
        try (FakeNode node = new FakeNode(Optional.of(identity), listener.port());
                FakeNode thief = new FakeNode(Optional.of(other), listener.port())) {
            node.hello("c2");
            node.goal();
            thief.hello("c3");
            thief.goal();
            FutureTask<NodeConsole> asked =
                    new FutureTask<>(() -> nodes.use("c2", "s", "p", ConsoleKind.CONSOLE_SERIAL));
            Thread.ofVirtual().start(asked);
            UseConsole request = node.uses.take();
            assertThat(request.getServerId()).isEqualTo("s");
            assertThat(request.getKind()).isEqualTo(ConsoleKind.CONSOLE_SERIAL);
            // One that was told to another node opens nothing, however it was learned.
            assertThat(thief.carry(request.getUseId(), "").next()).isEqualTo("NOT_FOUND");
            Carried carried = node.carry(request.getUseId(), "");
            try (NodeConsole console = asked.get(WAIT_SECONDS, TimeUnit.SECONDS)) {
                carried.say("login: ");
                assertThat(console.read().orElseThrow()).asString().isEqualTo("login: ");
                assertThat(console.write("root".getBytes(StandardCharsets.UTF_8))).isTrue();
                assertThat(carried.next()).isEqualTo("root");
                carried.say("last words");
                carried.up.onCompleted();
                assertThat(console.read().orElseThrow()).asString().isEqualTo("last words");
                assertThat(console.read()).isEmpty();
                assertThat(console.write(new byte[] {1})).isFalse();
            }
            assertThat(carried.next()).isEqualTo("OK");
            assertThat(node.carry(request.getUseId(), "").next()).isEqualTo("NOT_FOUND");

            FutureTask<NodeConsole> refused =
                    new FutureTask<>(() -> nodes.use("c2", "s", "p", ConsoleKind.CONSOLE_VNC));
            Thread.ofVirtual().start(refused);
            node.carry(node.uses.take().getUseId(), "/run/n1/vnc.sock is of root");
            // What a node says is not for users.
            assertThatThrownBy(() -> refused.get(WAIT_SECONDS, TimeUnit.SECONDS))
                    .hasRootCauseInstanceOf(ApiException.class)
                    .hasMessageContaining("The server's node did not open the console: ")
                    .hasMessageNotContaining("vnc.sock");

            FutureTask<NodeConsole> lost =
                    new FutureTask<>(() -> nodes.use("c2", "s", "p", ConsoleKind.CONSOLE_VNC));
            Thread.ofVirtual().start(lost);
            node.carry(node.uses.take().getUseId(), "");
            NodeConsole console = lost.get(WAIT_SECONDS, TimeUnit.SECONDS);
            node.link.close(); // The node is lost.
            assertThat(console.read()).isEmpty();
        }
    }

    /** Both ways somebody takes nothing; the end of the use frees who waits. */
    @Test
    void whatIsNotTakenWaitsWithinABound() throws Exception {
        try (FakeNode node = new FakeNode("c4")) {
            node.hello("c4");
            node.goal();
            Used used = use(node, "c4", "p", false);
            byte[] piece = new byte[16 << 10];
            int said = 0;
            long moved = System.nanoTime();
            while (System.nanoTime() - moved < TimeUnit.SECONDS.toNanos(1)) {
                if (used.node.up.isReady()) {
                    used.node.say(piece);
                    said += piece.length;
                    moved = System.nanoTime();
                    assertThat(said).isLessThan(1 << 20);
                }
            }
            for (int read = 0; read < said; ) {
                read += used.console.read().orElseThrow().length;
            }

            FutureTask<Integer> typing =
                    new FutureTask<>(
                            () -> {
                                int typed = 0;
                                while (used.console.write(piece)) {
                                    typed += piece.length;
                                }
                                return typed;
                            });
            Thread typist = Thread.ofVirtual().start(typing);
            while (typist.getState() != Thread.State.WAITING) {
                Thread.onSpinWait();
            }
            used.console.close();
            assertThat(typing.get(WAIT_SECONDS, TimeUnit.SECONDS)).isBetween(1, 1 << 20);
        }
    }

    /** One project leaves room for others. */
    @Test
    void consolesOfANodeAreBoundedInAllAndForAProject() throws Exception {
        try (FakeNode node = new FakeNode("c5")) {
            node.hello("c5");
            node.goal();
            List<Used> used = new ArrayList<>();
            for (String project : List.of("p1", "p2", "p3", "p4")) {
                for (int i = 0; i < Traits.MAX_CONSOLES / 4; i++) {
                    used.add(use(node, "c5", project, true));
                }
                assertThatThrownBy(() -> use(node, "c5", project, true))
                        .hasMessageContaining("close one and try again");
            }
            assertThatThrownBy(() -> use(node, "c5", "p5", true))
                    .hasMessageContaining("close one and try again");
            used.getFirst().console.close();
            used.add(use(node, "c5", "p5", true));
            used.forEach(one -> one.console.close());
        }
    }

    private record Used(NodeConsole console, Carried node) {}

    private Used use(FakeNode node, String name, String project, boolean taking) throws Exception {
        FutureTask<NodeConsole> asked =
                new FutureTask<>(() -> nodes.use(name, "s", project, ConsoleKind.CONSOLE_SERIAL));
        Thread asker = Thread.ofVirtual().start(asked);
        while (node.uses.isEmpty() && asker.isAlive()) {
            Thread.onSpinWait();
        }
        if (node.uses.isEmpty()) {
            asked.get(); // Refused.
        }
        String id = node.uses.take().getUseId();
        Carried carried = new Carried(node.link, id, "", taking);
        return new Used(asked.get(WAIT_SECONDS, TimeUnit.SECONDS), carried);
    }

    /** A node's end of a console. */
    private static final class Carried
            implements ClientResponseObserver<ConsoleOutput, ConsoleInput> {
        private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();
        private final boolean taking;
        private final ClientCallStreamObserver<ConsoleOutput> up;

        Carried(RegionLink link, String id, String error, boolean taking) {
            this.taking = taking;
            up =
                    (ClientCallStreamObserver<ConsoleOutput>)
                            RegionGrpc.newStub(link.channel()).console(this);
            up.onNext(
                    ConsoleOutput.newBuilder()
                            .setOpened(ConsoleOpened.newBuilder().setUseId(id).setError(error))
                            .build());
        }

        @Override
        public void beforeStart(ClientCallStreamObserver<ConsoleOutput> stream) {
            if (!taking) {
                stream.disableAutoRequestWithInitial(1);
            }
        }

        void say(String text) {
            say(text.getBytes(StandardCharsets.UTF_8));
        }

        void say(byte[] piece) {
            up.onNext(ConsoleOutput.newBuilder().setData(ByteString.copyFrom(piece)).build());
        }

        String next() throws InterruptedException {
            return Optional.ofNullable(heard.poll(WAIT_SECONDS, TimeUnit.SECONDS)).orElseThrow();
        }

        @Override
        public void onNext(ConsoleInput input) {
            heard.add(input.getData().toStringUtf8());
        }

        @Override
        public void onError(Throwable error) {
            heard.add(Status.fromThrowable(error).getCode().toString());
        }

        @Override
        public void onCompleted() {
            heard.add("OK");
        }
    }

    private static Server.Builder boots(KernelBoot.Builder kernel) {
        return Server.newBuilder().setKernel(kernel);
    }

    @Test
    void aNodeFetchesWhatItsGoalNamesAndNothingElse() throws Exception {
        byte[] data = new byte[3_500_000];
        new Random(3).nextBytes(data);
        String id = image(data);
        try (FakeNode node = new FakeNode("f1")) {
            assertThat(code(() -> node.fetch(id, 0))).isEqualTo(Status.Code.NOT_FOUND);
            ImagePart part = ImagePart.newBuilder().setImageId(id).build();
            for (Server.Builder server :
                    List.of(
                            boots(KernelBoot.newBuilder().setKernel(part)),
                            boots(KernelBoot.newBuilder().setInitrd(part)),
                            Server.newBuilder().addDisks(Disk.newBuilder().setImage(part)))) {
                goal = Goal.newBuilder().addServers(server).build();
                assertThat(node.fetch(id, 0)).isEqualTo(data);
            }
            assertThat(node.fetch(id, 3_000_000)).hasSize(500_000);
            assertThat(node.fetch(id, data.length)).isEmpty();
            assertThat(code(() -> node.fetch(id, data.length + 1)))
                    .isEqualTo(Status.Code.OUT_OF_RANGE);
        } finally {
            goal = Goal.getDefaultInstance();
        }
    }

    /** They need not cross the network; a node that does not know of it gets them as before. */
    @Test
    void zerosAreToldByTheirNumber() throws Exception {
        byte[] data = new byte[20 << 20];
        byte[] some = new byte[1000];
        new Random(4).nextBytes(some);
        System.arraycopy(some, 0, data, 100, some.length);
        System.arraycopy(some, 0, data, 12 << 20, some.length);
        String id = image(data);
        ImagePart part = ImagePart.newBuilder().setImageId(id).build();
        try (FakeNode node = new FakeNode("z1")) {
            goal =
                    Goal.newBuilder()
                            .addServers(
                                    Server.newBuilder().addDisks(Disk.newBuilder().setImage(part)))
                            .build();
            for (int offset : new int[] {0, 5 << 20, 12 << 20, data.length}) {
                ByteArrayOutputStream all = new ByteArrayOutputStream();
                long sent = 0;
                Iterator<ImageChunk> chunks = node.chunks(id, offset, true);
                while (chunks.hasNext()) {
                    ImageChunk chunk = chunks.next();
                    sent += chunk.getData().size();
                    assertThat(chunk.getZeros() == 0 || chunk.getData().isEmpty()).isTrue();
                    all.writeBytes(new byte[(int) chunk.getZeros()]);
                    all.writeBytes(chunk.getData().toByteArray());
                }
                assertThat(all.toByteArray())
                        .isEqualTo(Arrays.copyOfRange(data, offset, data.length));
                assertThat(sent).isLessThanOrEqualTo(2 << 20);
            }
            assertThat(node.fetch(id, 0)).isEqualTo(data);
        } finally {
            goal = Goal.getDefaultInstance();
        }
    }

    /**
     * The content of a disk comes by a call of its own, all of it at once as far as the node is
     * concerned: the region takes one part after the other, and the end after the last of them.
     */
    @Test
    void aNodeSendsTheDiskOfACapture() throws Exception {
        byte[] disk = new byte[40 << 20];
        new Random(5).nextBytes(disk);
        Arrays.fill(disk, 1 << 20, 30 << 20, (byte) 0);
        try (FakeNode node = new FakeNode("d1")) {
            region.database()
                    .run(
                            handle -> {
                                handle.execute(
                                        "UPDATE node SET traits = '{CAPTURES}' WHERE name = 'd1'");
                                handle.execute(
                                        "INSERT INTO inventory (provider_id, resource_class, total,"
                                                + " max_unit) SELECT id, 'DISK_MB', 100, 100"
                                                + " FROM resource_provider WHERE name = 'd1'");
                            });
            assertThat(send(node, "00000000-0000-4000-8000-000000000000", disk).await())
                    .as("what nobody wants")
                    .isEqualTo(Status.Code.NOT_FOUND);
            String[] ids = capture("d1", disk.length);
            try (FakeNode other = new FakeNode("d2")) {
                assertThat(send(other, ids[1], disk).await())
                        .as("another node's")
                        .isEqualTo(Status.Code.NOT_FOUND);
            }
            assertThat(captureState(ids[1])).isEqualTo("asked");
            Sending sent = send(node, ids[1], disk);
            assertThat(sent.await()).isEqualTo(Status.Code.OK);
            assertThat(sent.answers).as("from where, and no more").isEqualTo(1);
            Path file = images.file(ids[0]).orElseThrow();
            assertThat(Arrays.equals(Files.readAllBytes(file), disk)).isTrue();
            assertThat(send(node, ids[1], disk).await())
                    .as("when it has been taken")
                    .isEqualTo(Status.Code.NOT_FOUND);
        }
    }

    private String captureState(String id) {
        return region.database()
                .read(
                        handle ->
                                handle.createQuery("SELECT state FROM image_capture WHERE id = ?")
                                        .bind(0, UUID.fromString(id))
                                        .mapTo(String.class)
                                        .one());
    }

    /** Ids of the image and of the capture that the goal names. */
    private String[] capture(String node, long bytes) {
        Actor actor = new Actor("req-1", "user", Optional.of("project"), Set.of("member"));
        return region.database()
                .locked(
                        handle -> {
                            String image =
                                    images.capture(
                                            handle,
                                            actor,
                                            new Images.NewCapture(
                                                    UUID.randomUUID(),
                                                    node,
                                                    "disk",
                                                    bytes,
                                                    new Images.NewImage(
                                                            "project", "i", "private", false,
                                                            "bare", 0, 0, Map.of()),
                                                    Optional.empty()));
                            Goal.Builder asked = Goal.newBuilder();
                            images.captures().add(handle, node, asked);
                            return new String[] {image, asked.getPool().getCaptures(0).getId()};
                        });
    }

    private Sending send(FakeNode node, String capture, byte[] disk) {
        Sending sending = new Sending();
        StreamObserver<CaptureChunk> up =
                RegionGrpc.newStub(node.link.channel()).sendCapture(sending);
        up.onNext(
                CaptureChunk.newBuilder()
                        .setStart(
                                CaptureStart.newBuilder()
                                        .setCaptureId(capture)
                                        .setSizeBytes(disk.length))
                        .build());
        for (int at = 0; at < disk.length; at += 1 << 20) {
            CRC32C checksum = new CRC32C();
            checksum.update(disk, at, 1 << 20);
            boolean zeros = at >= 1 << 20 && at < 30 << 20;
            CaptureData.Builder data = CaptureData.newBuilder().setOffset(at);
            up.onNext(
                    CaptureChunk.newBuilder()
                            .setData(
                                    zeros
                                            ? data.setZeros(1 << 20)
                                            : data.setData(ByteString.copyFrom(disk, at, 1 << 20))
                                                    .setCrc32C((int) checksum.getValue()))
                            .build());
        }
        up.onCompleted();
        return sending;
    }

    /** How a call ends. */
    private static final class Sending implements StreamObserver<CaptureProgress> {
        private final BlockingQueue<Status.Code> ends = new LinkedBlockingQueue<>();

        Status.Code await() throws InterruptedException {
            Status.Code code = ends.poll(WAIT_SECONDS, TimeUnit.SECONDS);
            assertThat(code).isNotNull();
            return code;
        }

        private volatile int answers;

        @Override
        public void onNext(CaptureProgress progress) {
            answers = answers + 1; // by one thread at a time
        }

        @Override
        public void onError(Throwable error) {
            ends.add(Status.fromThrowable(error).getCode());
        }

        @Override
        public void onCompleted() {
            ends.add(Status.Code.OK);
        }
    }

    private final class Recorder implements NodeObserver {
        @Override
        public void observed(Database database, String node, Observed observed) {
            observations.add(node + " " + observed.getGoalRevision());
        }
    }

    /** A node's end of a session; it answers console requests by the server's id. */
    private final class FakeNode implements AutoCloseable, StreamObserver<RegionMessage> {
        final TlsIdentity identity;
        final RegionLink link;
        final StreamObserver<NodeMessage> up;
        private final BlockingQueue<Long> goals = new LinkedBlockingQueue<>();
        private final BlockingQueue<Status.Code> ends = new LinkedBlockingQueue<>();
        private final BlockingQueue<UseConsole> uses = new LinkedBlockingQueue<>();

        FakeNode(String name) {
            this(Optional.of(join(name, invite(name))));
        }

        FakeNode(String name, TlsIdentity identity) {
            this(Optional.of(identity));
            assertThat(identity.chain().getFirst().getSubjectX500Principal().getName())
                    .isEqualTo("CN=" + name);
        }

        FakeNode(Optional<TlsIdentity> identity) {
            this(identity, listener.port());
        }

        FakeNode(TlsIdentity identity, int port) {
            this(Optional.of(identity), port);
        }

        private FakeNode(Optional<TlsIdentity> identity, int port) {
            this.identity = identity.orElseGet(() -> join("spare", invite("spare")));
            link = dial(identity, port);
            up = RegionGrpc.newStub(link.channel()).session(this);
        }

        void hello(String name) {
            up.onNext(
                    NodeMessage.newBuilder()
                            .setHello(
                                    Hello.newBuilder().setNode(name).setVcpus(4).setMemoryMib(512))
                            .build());
        }

        long goal() throws InterruptedException {
            Long revision = goals.poll(WAIT_SECONDS, TimeUnit.SECONDS);
            assertThat(revision).isNotNull();
            return revision;
        }

        long goalAtLeast(long wanted) throws InterruptedException {
            long revision = goal();
            while (revision < wanted) {
                revision = goal();
            }
            return revision;
        }

        Status.Code end() throws InterruptedException {
            Status.Code code = ends.poll(WAIT_SECONDS, TimeUnit.SECONDS);
            assertThat(code).isNotNull();
            return code;
        }

        Iterator<ImageChunk> chunks(String id, long offset, boolean zeros) {
            return RegionGrpc.newBlockingStub(link.channel())
                    .withDeadlineAfter(WAIT_SECONDS, TimeUnit.SECONDS)
                    .fetchImage(
                            FetchImageRequest.newBuilder()
                                    .setImageId(id)
                                    .setOffset(offset)
                                    .setZeros(zeros)
                                    .build());
        }

        byte[] fetch(String id, long offset) {
            Iterator<ImageChunk> chunks = chunks(id, offset, false);
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            while (chunks.hasNext()) {
                all.writeBytes(chunks.next().getData().toByteArray());
            }
            return all.toByteArray();
        }

        Carried carry(String useId, String error) {
            return new Carried(link, useId, error, true);
        }

        @Override
        public void onNext(RegionMessage message) {
            if (message.hasGoal()) {
                goals.add(message.getGoal().getRevision());
                return;
            }
            if (message.hasUseConsole()) {
                uses.add(message.getUseConsole());
                return;
            }
            String server = message.getConsole().getServerId();
            ConsoleReply.Builder reply =
                    ConsoleReply.newBuilder().setRequestId(message.getConsole().getRequestId());
            switch (server) {
                case "good" -> reply.setOutput(ByteString.copyFromUtf8("console of good"));
                case "bad" -> reply.setError("no such server");
                default -> {
                    return;
                }
            }
            up.onNext(NodeMessage.newBuilder().setConsole(reply).build());
        }

        @Override
        public void onError(Throwable error) {
            ends.add(Status.fromThrowable(error).getCode());
        }

        @Override
        public void onCompleted() {
            ends.add(Status.Code.OK);
        }

        @Override
        public void close() {
            link.close();
        }
    }

    private String invite(String node) {
        return admin.post("/iod/v1/nodes", "{'node':{'name':'" + node + "'}}")
                .json()
                .at("/node/token")
                .stringValue();
    }

    private TlsIdentity join(String node, String token) {
        KeyPair pair = Keys.generate();
        JoinReply reply =
                ask(
                        JoinRequest.newBuilder()
                                .setToken(token)
                                .setNode(node)
                                .setSigningRequest(
                                        ByteString.copyFrom(SigningRequest.build(pair, node)))
                                .build());
        return new TlsIdentity(
                pair.getPrivate(),
                List.of(Pem.certificate(reply.getCertificate().toByteArray())),
                List.of(authority.certificate()));
    }

    private JoinReply ask(JoinRequest request) {
        try (RegionLink link = dial(Optional.empty(), listener.port())) {
            return RegionGrpc.newBlockingStub(link.channel())
                    .withDeadlineAfter(WAIT_SECONDS, TimeUnit.SECONDS)
                    .join(request);
        }
    }

    private RegionLink dial(Optional<TlsIdentity> identity, int port) {
        return RegionLink.dial(
                new InetSocketAddress("127.0.0.1", port),
                identity.map(TlsIdentity::keyManager),
                TlsIdentity.trustManager(List.of(authority.certificate())));
    }

    private long touch(String node) {
        return region.database().transaction(handle -> NodeGoals.touch(handle, node));
    }

    private String image(byte[] data) {
        String id =
                admin.post(
                                "/image/v2/images",
                                "{'name':'k','disk_format':'aki','container_format':'aki'}")
                        .json()
                        .path("id")
                        .stringValue();
        assertThat(admin.upload("/image/v2/images/" + id + "/file", data).status()).isEqualTo(204);
        return id;
    }

    private static Status.Code code(Runnable call) {
        try {
            call.run();
            return Status.Code.OK;
        } catch (StatusRuntimeException e) {
            return e.getStatus().getCode();
        }
    }
}
