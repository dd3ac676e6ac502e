-- Who is being made of an image, which cannot be deleted meanwhile.
CREATE TABLE image_use (
    consumer uuid PRIMARY KEY,
    image_id text NOT NULL REFERENCES image (id)
);
CREATE INDEX image_use_by_image ON image_use (image_id);
