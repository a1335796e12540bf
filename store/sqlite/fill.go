package sqlite

import (
	"errors"
	"fmt"
	"time"

	"hezuo/store"
)

// fill gives the documents of a collection their keys in an index that is new.
// From the definition on, every writer writes those keys; what was there before
// is filled in page by page, through the writer, from a cursor in the file. So
// it does not matter how many processes fill, or when one stops.
//
// A document that cannot have its key, because another has it or because it
// cannot be read, is passed over, and tried again later: the index is blocked,
// which Ready and the log say, until somebody has changed the document.
func (db *DB) fill(col *collection, ix *index) {
	for {
		f := &filling{col: col, ix: ix, page: db.opts.hooks.fillPage}
		err := db.do(db.ctx, &op{do: f.step})
		if db.ctx.Err() != nil || errors.Is(err, store.ErrClosed) {
			return
		}
		pause := time.Duration(0)
		switch {
		case err != nil:
			pause = db.opts.hooks.fillRetry
			db.opts.Logger.Error("an index could not be filled", "collection", col.name, "index", ix.def.Name, "error", err)
		case f.state >= ready:
			ix.become(f.state, "")
			return
		case f.state == blocked:
			ix.become(blocked, f.problem)
			if f.over {
				pause = db.opts.hooks.fillRetry
				db.opts.Logger.Error("an index cannot be filled", "collection", col.name, "index", ix.def.Name, "problem", f.problem)
			}
		}
		if pause > 0 && !db.pause(pause) {
			return
		}
	}
}

// pause waits; it reports false when the store was closed meanwhile.
func (db *DB) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-db.ctx.Done():
		return false
	}
}

// filling is one step: a page of documents.
type filling struct {
	col  *collection
	ix   *index
	page int

	state   int    // after the step
	problem string // the first of this pass
	over    bool   // the pass has come to its end
}

func (f *filling) step(t *tx) error {
	var cursor string
	err := t.c.row("SELECT state, cursor, problem FROM indexes WHERE ix = ?", f.ix.ix).Scan(&f.state, &cursor, &f.problem)
	if err != nil || f.state >= ready {
		return err
	}
	if cursor == "" {
		f.problem = "" // a new pass
	}
	docs, err := f.read(t, cursor)
	if err != nil {
		return err
	}
	if err := t.change(); err != nil {
		return err
	}
	for _, d := range docs {
		cursor = d.id
		if d.deleted {
			continue
		}
		if err := f.keys(t, d); err != nil {
			if isFatal(err) {
				return err
			}
			if f.problem == "" {
				f.problem = err.Error()
			}
		}
	}
	if f.over = len(docs) < f.page; f.over {
		cursor, f.state = "", ready
		if f.problem != "" {
			f.state = blocked
		}
	}
	return t.c.exec("UPDATE indexes SET state = ?, cursor = ?, problem = ? WHERE ix = ?", f.state, cursor, f.problem, f.ix.ix)
}

// fillRow is a document to be given keys.
type fillRow struct {
	d       int64
	id      string
	deleted bool
	body    []byte
	keys    []byte
}

func (f *filling) read(t *tx, cursor string) ([]fillRow, error) {
	rows, err := t.c.query(`SELECT d, id, deleted, body, keys FROM documents WHERE c = ? AND id > ? ORDER BY id LIMIT ?`,
		f.col.c, cursor, f.page)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []fillRow
	for rows.Next() {
		var r fillRow
		if err := rows.Scan(&r.d, &r.id, &r.deleted, &r.body, &r.keys); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// keys gives one document its keys, all or none.
func (f *filling) keys(t *tx, d fillRow) error {
	var keys []store.Key
	err := safely(func() (err error) {
		keys, err = f.ix.def.Keys(d.body)
		return err
	})
	if err != nil {
		return fmt.Errorf("document %s: %w", d.id, err)
	}
	held, err := decodeKeys(d.keys)
	if err != nil {
		return fmt.Errorf("document %s: %w", d.id, err)
	}
	all := f.ix.held(held[:len(held):len(held)], keys)
	for i, k := range all[len(held):] {
		err := t.addKey(f.col, d.id, d.d, k)
		if err == nil {
			continue
		}
		for _, undo := range all[len(held) : len(held)+i] {
			if err := t.c.exec("DELETE FROM uniques WHERE ix = ? AND key = ? AND id = ?", undo.ix, string(undo.key), d.id); err != nil {
				return err
			}
		}
		var dup *duplicate
		if errors.As(err, &dup) {
			return fmt.Errorf("documents %s and %s have the same key", d.id, dup.holder)
		}
		return err
	}
	if len(all) == len(held) {
		return nil
	}
	return t.c.exec("UPDATE documents SET keys = ? WHERE d = ?", encodeKeys(all), d.d)
}

// clear removes the keys of an index that no program may read any more.
func (db *DB) clear(ix int64, unique bool) {
	page := "DELETE FROM keys WHERE (ix, key, id) IN (SELECT ix, key, id FROM keys WHERE ix = ? LIMIT 1000)"
	if unique {
		page = "DELETE FROM uniques WHERE (ix, key) IN (SELECT ix, key FROM uniques WHERE ix = ? LIMIT 1000)"
	}
	for over := false; !over; {
		err := db.do(db.ctx, &op{do: func(t *tx) error {
			if err := t.change(); err != nil {
				return err
			}
			res, err := t.c.result(page, ix)
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if over = n == 0 && err == nil; over {
				return t.c.exec("UPDATE indexes SET state = ? WHERE ix = ?", cleared, ix)
			}
			return err
		}})
		if err == nil {
			continue
		}
		if db.ctx.Err() != nil || errors.Is(err, store.ErrClosed) {
			return
		}
		over = false
		db.opts.Logger.Error("the keys of an index that was removed could not be cleared away", "index", ix, "error", err)
		if !db.pause(db.opts.hooks.fillRetry) {
			return
		}
	}
}
