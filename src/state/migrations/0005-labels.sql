-- Whether the label by which a maintainer gives their word was on it when it was last heard of. Some forges tell which
-- labels there are, not which one was set: the word is given when it comes, not when another one changes.
ALTER TABLE pull_requests ADD COLUMN labelled INTEGER NOT NULL DEFAULT 0;
