/**
 * The HTTP side that all services share: routes, requests, responses, callers, errors in each
 * service's {@link dev.iod.rest.Dialect}, list parameters and microversions.
 *
 * <p>Shapes are data: {@link dev.iod.rest.View} for answers, {@link dev.iod.rest.Schema} for
 * requests, both with the microversions of each field.
 *
 * <p>Handlers run on one virtual thread per request. A JSON body is bounded by {@link
 * dev.iod.rest.Request#JSON_LIMIT_BYTES}, a list by {@link dev.iod.rest.ListQuery#MAX_LIMIT} rows.
 * Nothing outside this package sees the web server's types.
 */
@org.jspecify.annotations.NullMarked
package dev.iod.rest;
