/**
 * The HTTP side that all services share: routes, requests, responses, callers, errors in each
 * service's {@link dev.iod.rest.Dialect}, list parameters and microversions.
 *
 * <p>Shapes are data: {@link dev.iod.rest.View} for answers, {@link dev.iod.rest.Schema} for
 * requests, both with the microversions of each field.
 *
 * <p>The listener speaks HTTP/1.1 and 1.0 (RFC 9110, 9112): one virtual thread a connection runs
 * its requests and their handlers, one thread accepts, one cuts what is late. Connections, running
 * requests, bytes of bodies and time are bounded by {@link dev.iod.rest.ServerLimits}, in all and
 * for each payer; a JSON body by {@link dev.iod.rest.Request#JSON_LIMIT_BYTES}, a list by {@link
 * dev.iod.rest.ListQuery#MAX_LIMIT} rows.
 */
@org.jspecify.annotations.NullMarked
package dev.iod.rest;
