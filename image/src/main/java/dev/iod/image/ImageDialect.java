package dev.iod.image;

import dev.iod.rest.ApiException;
import dev.iod.rest.Dialect;
import dev.iod.rest.Response;

/** Glance's errors: an HTML page with the status as its title (webob's default error page). */
final class ImageDialect implements Dialect {
    static final Dialect DIALECT = new ImageDialect();

    private ImageDialect() {}

    @Override
    public Response render(ApiException error) {
        String heading = error.fault().status() + " " + error.fault().title();
        String page =
                """
                <html>
                 <head>
                  <title>%s</title>
                 </head>
                 <body>
                  <h1>%s</h1>
                  %s<br /><br />



                 </body>
                </html>"""
                        .formatted(heading, heading, escape(error.detail()));
        return Response.text(error.fault().status(), "text/html; charset=UTF-8", page);
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }
}
