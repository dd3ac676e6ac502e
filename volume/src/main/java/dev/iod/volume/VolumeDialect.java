package dev.iod.volume;

import dev.iod.rest.ApiException;
import dev.iod.rest.Dialect;
import dev.iod.rest.Fault;
import dev.iod.rest.NovaFaults;
import dev.iod.rest.Response;
import tools.jackson.databind.node.ObjectNode;

/** Cinder's errors: as Nova's, and with 413 when to try again. */
final class VolumeDialect implements Dialect {
    @Override
    public Response render(ApiException error) {
        ObjectNode body = NovaFaults.body(error);
        if (error.fault() != Fault.TOO_LARGE) {
            return Response.json(error.fault().status(), body);
        }
        body.withObject("/overLimit").put("retryAfter", "0");
        return Response.json(error.fault().status(), body).header("Retry-After", "0");
    }
}
