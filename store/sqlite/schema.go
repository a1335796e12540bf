package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"hezuo/fault"
)

// format is the version of the tables, in the file's user_version. A program
// that finds a higher one than its own refuses to open the file.
const format = 1

// application marks a file as ours, in its application_id: "HeZu".
const application = 0x48655a75

// schema is made on a new file. What is looked up together has a small integer
// in place of its name: collections, indexes, logs. Documents and entries are
// rowid tables, because their rows are large and a tree whose inner nodes hold
// large rows is deep; keys are small and are their own tree.
//
// A document's row holds the list of its keys, so that an update touches only
// the keys that changed, without a second tree to find them by.
//
// The ids start above 1, in logs and collections by a first row that is nobody's:
// since 3.54 SQLite plans some statements anew whenever a bound value changes to
// or from 0 or 1.
const schema = `
CREATE TABLE meta (
	k TEXT NOT NULL PRIMARY KEY, -- generation: raised whenever a collection is defined in a new way
	v INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES ('generation', 0);

CREATE TABLE collections (
	c INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO collections VALUES (1, '');

CREATE TABLE definitions (
	c INTEGER NOT NULL REFERENCES collections,
	fingerprint TEXT NOT NULL, -- the names, versions and kinds of its indexes
	generation INTEGER NOT NULL, -- of the newest definition of a collection is in force
	PRIMARY KEY (c, fingerprint)
) STRICT, WITHOUT ROWID;

CREATE TABLE indexes (
	ix INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice
	c INTEGER NOT NULL REFERENCES collections,
	name TEXT NOT NULL,
	version INTEGER NOT NULL,
	uniq INTEGER NOT NULL,
	state INTEGER NOT NULL, -- 0 building, 1 blocked, 2 ready, 3 removed, 4 removed with its keys
	cursor TEXT NOT NULL, -- building: the id up to which documents have their keys
	problem TEXT NOT NULL -- why it cannot be filled
) STRICT;
CREATE INDEX indexes_c ON indexes (c);
INSERT INTO sqlite_sequence VALUES ('indexes', 1);

CREATE TABLE documents (
	d INTEGER PRIMARY KEY,
	c INTEGER NOT NULL,
	id TEXT NOT NULL,
	rev INTEGER NOT NULL,
	deleted INTEGER NOT NULL,
	body TEXT, -- JSON
	meta BLOB NOT NULL, -- commands, head, epochs: see codec.go
	keys BLOB NOT NULL, -- its keys in all indexes: see codec.go
	UNIQUE (c, id)
) STRICT;

CREATE TABLE keys (
	ix INTEGER NOT NULL,
	key TEXT NOT NULL,
	id TEXT NOT NULL,
	d INTEGER NOT NULL,
	PRIMARY KEY (ix, key, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE uniques (
	ix INTEGER NOT NULL,
	key TEXT NOT NULL,
	id TEXT NOT NULL,
	d INTEGER NOT NULL,
	PRIMARY KEY (ix, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE logs (
	l INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO logs VALUES (1, '');

CREATE TABLE entries (
	e INTEGER PRIMARY KEY,
	log INTEGER NOT NULL,
	n INTEGER NOT NULL,
	id TEXT NOT NULL,
	kind TEXT NOT NULL,
	at TEXT NOT NULL, -- RFC 3339, UTC
	body TEXT, -- JSON
	seal INTEGER NOT NULL,
	UNIQUE (log, n),
	UNIQUE (log, id)
) STRICT;
`

// migrate makes the tables of a new file and looks whether this program may work
// with those of an old one. It is called with the write lock held.
func migrate(ctx context.Context, c *sql.Conn) error {
	var id, version, tables int64
	for _, q := range []struct {
		text string
		to   *int64
	}{
		{"PRAGMA application_id", &id},
		{"PRAGMA user_version", &version},
		{"SELECT count(*) FROM sqlite_schema", &tables},
	} {
		if err := c.QueryRowContext(ctx, q.text).Scan(q.to); err != nil {
			return err
		}
	}
	switch {
	case id == application && version > format:
		return fault.New(fault.Unavailable, "the store has format %d, and this program knows formats up to %d", version, format).
			WithFix("use the newer version of the program")
	case id == application && version == format:
		return nil
	case id != 0 || version != 0 || tables != 0:
		return fault.New(fault.Invalid, "the file is no store of ours").WithFix("name another file")
	}
	text := fmt.Sprintf("BEGIN IMMEDIATE; %s; PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT", schema, application, format)
	if _, err := c.ExecContext(ctx, text); err != nil {
		_, undo := c.ExecContext(context.Background(), "ROLLBACK")
		return errors.Join(err, undo)
	}
	return nil
}
