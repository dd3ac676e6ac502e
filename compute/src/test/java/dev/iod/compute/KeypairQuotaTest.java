package dev.iod.compute;

import static org.assertj.core.api.Assertions.assertThat;

import dev.iod.region.Quotas;
import dev.iod.rest.testing.HttpCaller;
import dev.iod.rest.testing.HttpCaller.Answer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
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
}
