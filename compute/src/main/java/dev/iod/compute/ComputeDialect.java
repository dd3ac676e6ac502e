package dev.iod.compute;

import dev.iod.rest.ApiException;
import dev.iod.rest.Dialect;
import dev.iod.rest.NovaFaults;
import dev.iod.rest.Response;

/** Nova's errors. */
final class ComputeDialect implements Dialect {
    @Override
    public Response render(ApiException error) {
        return Response.json(error.fault().status(), NovaFaults.body(error));
    }
}
