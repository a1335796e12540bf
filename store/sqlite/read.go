package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"hezuo/store"
)

// query runs a statement on a connection for reading.
func (db *DB) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if db.closed.Load() {
		return nil, store.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	st, err := db.stmts.get(ctx, text)
	if err != nil {
		return nil, err
	}
	return st.QueryContext(ctx, args...)
}

// each runs a statement and calls fn for each row.
func (db *DB) each(ctx context.Context, text string, args []any, fn func(scanner) error) error {
	rows, err := db.query(ctx, text, args...)
	if err != nil {
		return db.readError(ctx, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return db.readError(ctx, err)
		}
	}
	return db.readError(ctx, rows.Err())
}

// scanDocument reads id, rev, deleted, body and meta, behind what more is given.
func scanDocument(row scanner, d *store.Document, more ...any) error {
	var body sql.NullString
	var meta []byte
	if err := row.Scan(append(more, &d.ID, &d.Rev, &d.Deleted, &body, &meta)...); err != nil {
		return err
	}
	d.Body = rawJSON(body)
	return decodeMeta(meta, d)
}

func rawJSON(s sql.NullString) json.RawMessage {
	if !s.Valid {
		return nil
	}
	return json.RawMessage(s.String)
}

// Get reads one document.
func (db *DB) Get(ctx context.Context, collection, id string) (*store.Document, error) {
	col, err := db.collection(collection)
	if err != nil {
		return nil, err
	}
	var doc *store.Document
	err = db.each(ctx, "SELECT id, rev, deleted, body, meta FROM documents WHERE c = ? AND id = ?", []any{col.c, id},
		func(row scanner) error {
			doc = &store.Document{Collection: collection}
			return scanDocument(row, doc)
		})
	if err != nil {
		return nil, err
	}
	if doc == nil {
		return nil, store.ErrNotFound
	}
	return doc, nil
}

// Read gives records of a log.
func (db *DB) Read(ctx context.Context, log string, after int64, limit int) ([]store.Record, error) {
	if limit < 1 {
		return nil, ctx.Err()
	}
	var out []store.Record
	err := db.each(ctx, `SELECT n, id, kind, at, body, seal FROM entries
		WHERE log = (SELECT l FROM logs WHERE name = ?) AND n > ? ORDER BY n LIMIT ?`, []any{log, after, limit},
		func(row scanner) error {
			r := store.Record{Entry: store.Entry{Log: log}}
			var at string
			var body sql.NullString
			err := row.Scan(&r.N, &r.ID, &r.Kind, &at, &body, &r.Seal)
			if err != nil {
				return err
			}
			r.Body = rawJSON(body)
			r.At, err = time.Parse(time.RFC3339Nano, at)
			out = append(out, r)
			return err
		})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Logs lists logs. It counts their records, so it takes time with their number.
func (db *DB) Logs(ctx context.Context, prefix, after string, limit int) ([]store.LogHead, error) {
	if limit < 1 {
		return nil, ctx.Err()
	}
	var out []store.LogHead
	err := db.each(ctx, `SELECT g.name,
			(SELECT coalesce(max(n), 0) FROM entries WHERE log = g.l),
			(SELECT count(*) FROM entries WHERE log = g.l),
			coalesce((SELECT seal FROM entries WHERE log = g.l ORDER BY n DESC LIMIT 1), 0)
		FROM logs g WHERE g.name >= ? AND g.name < ? ORDER BY g.name LIMIT ?`,
		[]any{max(prefix, next(after)), end(prefix), limit},
		func(row scanner) error {
			var h store.LogHead
			err := row.Scan(&h.Log, &h.Last, &h.Count, &h.Sealed)
			out = append(out, h)
			return err
		})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// next gives the string that sorts directly behind another.
func next(s string) string { return s + "\x00" }

// infinity sorts behind every text: a blob does in SQLite.
var infinity = []byte{0xff}

// end gives what sorts behind all strings that begin with a prefix, and before
// all others that sort behind it.
func end(prefix string) any {
	b := []byte(prefix)
	for len(b) > 0 && b[len(b)-1] == 0xff {
		b = b[:len(b)-1]
	}
	if len(b) == 0 {
		return infinity
	}
	b[len(b)-1]++
	return string(b)
}

// errNoState says that an index's row is gone.
var errNoState = errors.New("an index is not in the store")

// indexState reads an index's state in the file.
func (db *DB) indexState(ctx context.Context, ix int64) (int, error) {
	state := -1
	err := db.each(ctx, "SELECT state FROM indexes WHERE ix = ?", []any{ix}, func(row scanner) error { return row.Scan(&state) })
	if err == nil && state < 0 {
		err = db.readError(ctx, errNoState)
	}
	return state, err
}
