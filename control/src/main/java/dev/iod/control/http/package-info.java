/**
 * The HTTP side that all services share: routes, requests, responses, callers, errors in each
 * service's own format, list parameters and microversions.
 *
 * <p>Handlers run on one virtual thread per request. A JSON body is bounded by {@link
 * dev.iod.control.http.Request#JSON_LIMIT_BYTES}, a list by {@link
 * dev.iod.control.http.ListQuery#MAX_LIMIT} rows. Nothing outside this package sees the web
 * server's types.
 */
@org.jspecify.annotations.NullMarked
package dev.iod.control.http;
