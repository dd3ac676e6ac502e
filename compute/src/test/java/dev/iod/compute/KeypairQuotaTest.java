package dev.iod.compute;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.region.Quotas;
import dev.iod.region.Service;
import dev.iod.region.Services;
import dev.iod.rest.ApiServer;
import dev.iod.rest.ServerLimits;
import dev.iod.rest.testing.FixedTokens;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.rest.testing.HttpCaller.Answer;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** Key pairs at the bound of their quota. */
class KeypairQuotaTest {
    @Test
    void requestsAtTheSameTimeDoNotPassTogether() throws Exception {
        try (Region region = new Region();
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            HttpCaller member = region.compute("p");
            region.database.run(
                    handle -> Quotas.set(handle, "p", ComputeQuotas.Resource.KEY_PAIRS.quota(), 3));
            // Given, for generating one takes a processor for long.
            String publicKey = OpenSshKeys.generate().publicKey();
            List<Future<Answer>> answers = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                String body =
                        "{'keypair':{'name':'k%d','public_key':'%s'}}".formatted(i, publicKey);
                answers.add(threads.submit(() -> member.post("/os-keypairs", body)));
            }
            int made = 0;
            for (Future<Answer> answer : answers) {
                assertThat(answer.get().status()).as(answer.get().text()).isIn(200, 403);
                made += answer.get().status() == 200 ? 1 : 0;
            }
            assertThat(made).isEqualTo(3);
            assertThat(member.get("/os-keypairs").json().path("keypairs").size()).isEqualTo(3);
            Answer refused = member.post("/os-keypairs", "{'keypair':{'name':'more'}}");
            assertThat(refused.status()).isEqualTo(403);
            assertThat(refused.text()).contains("Quota exceeded, too many key pairs.");
        }
    }

    @Test
    void noKeyIsGeneratedForWhoMayHaveNoMore() {
        OpenSshKeys.Generated key = OpenSshKeys.generate();
        AtomicInteger generated = new AtomicInteger();
        try (Region region = new Region();
                ApiServer server =
                        keypairs(
                                region,
                                () -> {
                                    generated.incrementAndGet();
                                    return key;
                                })) {
            region.database.run(
                    handle -> Quotas.set(handle, "p", ComputeQuotas.Resource.KEY_PAIRS.quota(), 1));
            HttpCaller member =
                    new HttpCaller("http://127.0.0.1:" + server.port() + "/compute/v2.1", "p");
            assertThat(member.post("/os-keypairs", "{'keypair':{'name':'a'}}").status())
                    .isEqualTo(200);
            assertThat(member.post("/os-keypairs", "{'keypair':{'name':'b'}}").status())
                    .isEqualTo(403);
            assertThat(generated).hasValue(1);
        }
    }

    /** Serves key pairs alone, over the tables of a region. */
    private static ApiServer keypairs(Region region, Supplier<OpenSshKeys.Generated> source) {
        Parts parts =
                new Parts(
                        region.database,
                        new Region.FixedImages(),
                        region.ports,
                        region.console,
                        (handle, id) -> true);
        return Services.serve(
                InetAddress.getLoopbackAddress(),
                0,
                ServerLimits.standard(),
                List.of(
                        Service.listed(
                                        "compute",
                                        "nova",
                                        Scopes.PREFIX,
                                        VersionsApi.VERSION_PATH,
                                        new ComputeDialect(),
                                        new KeypairApi(parts, new KeyGenerator(source)).routes())
                                .microversions(VersionsApi.MICROVERSIONS)
                                .quotas(ComputeQuotas.own())
                                .build()),
                new FixedTokens());
    }
}
