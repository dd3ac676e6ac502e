-- Projects that an image is shared with, and what they say to it: an image of a member that has not
-- accepted it is not in the member's lists.
CREATE TABLE image_member (
    image_id    text NOT NULL REFERENCES image ON DELETE CASCADE,
    member      text NOT NULL,
    status      text NOT NULL CHECK (status IN ('pending', 'accepted', 'rejected')),
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (image_id, member)
);
CREATE INDEX image_member_member ON image_member (member);

ALTER TABLE image DROP CONSTRAINT image_visibility_check;
ALTER TABLE image ADD CONSTRAINT image_visibility_check
    CHECK (visibility IN ('public', 'private', 'shared', 'community'));
