package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"hezuo/fault"
	"hezuo/store"
)

// tx is the transaction of a group, as the parts of its callers see it. Only the
// writer's goroutine uses it.
type tx struct {
	c       *conn
	changed bool             // the part at hand has a savepoint, because it changes something
	part    []growth         // the logs that the part at hand made grow
	grown   map[string]int64 // those of all parts that succeeded
}

// growth is a log's new number.
type growth struct {
	log string
	n   int64
}

// change begins to change something: what follows is undone if the part fails.
func (t *tx) change() error {
	if t.changed {
		return nil
	}
	if err := t.c.exec("SAVEPOINT part"); err != nil {
		return err
	}
	t.changed = true
	return nil
}

// row is what a write must know of the document that is there.
type row struct {
	d    int64 // 0: none
	rev  int64
	keys []heldKey
}

func (t *tx) row(c int64, id string) (row, error) {
	var r row
	var keys []byte
	err := t.c.row("SELECT d, rev, keys FROM documents WHERE c = ? AND id = ?", c, id).Scan(&r.d, &r.rev, &keys)
	if errors.Is(err, sql.ErrNoRows) {
		return row{}, nil
	}
	if err != nil {
		return row{}, err
	}
	r.keys, err = decodeKeys(keys)
	return r, err
}

// write does one conditional write, or what w.Again makes of it.
func (t *tx) write(col *collection, w *store.Write) error {
	if col.outdated.Load() {
		return store.ErrOutdated
	}
	at, err := t.row(col.c, w.ID)
	if err != nil {
		return err
	}
	if at.rev != w.Expect {
		if w, err = t.again(col, w, at); err != nil || w == nil {
			return err
		}
	}
	if w.Doc != nil && (w.Doc.Rev != w.Expect+1 || w.Doc.ID != w.ID || w.Doc.Collection != w.Collection) {
		return fault.New(fault.Internal, "the document of a write is not the one it names")
	}
	keys, err := col.heldKeys(w)
	if err != nil {
		return err
	}
	if err := t.change(); err != nil {
		return err
	}
	d, err := t.put(col, w, at, keys)
	if err != nil {
		return err
	}
	if err := t.rekey(col, w.ID, d, at.keys, keys); err != nil {
		return err
	}
	for _, e := range w.Entries {
		if _, err := t.append(e); err != nil {
			return err
		}
	}
	return nil
}

// again has a write made anew on the document that is there.
func (t *tx) again(col *collection, w *store.Write, at row) (*store.Write, error) {
	if w.Again == nil {
		return nil, store.ErrConflict
	}
	var current *store.Document
	if at.d != 0 {
		doc := &store.Document{Collection: col.name}
		r := t.c.row("SELECT id, rev, deleted, body, meta FROM documents WHERE d = ?", at.d)
		if err := scanDocument(r, doc); err != nil {
			return nil, err
		}
		current = doc
	}
	next, err := w.Again(current)
	if err != nil || next == nil {
		return nil, err
	}
	if next.Collection != w.Collection || next.ID != w.ID {
		return nil, fault.New(fault.Internal, "a write was made anew for another document")
	}
	if next.Expect != at.rev {
		return nil, store.ErrConflict
	}
	return next, nil
}

// put writes the document's row, or removes it, and gives its number.
func (t *tx) put(col *collection, w *store.Write, at row, keys []heldKey) (int64, error) {
	if w.Doc == nil {
		return at.d, t.c.exec("DELETE FROM documents WHERE d = ?", at.d)
	}
	var body any
	if w.Doc.Body != nil && !w.Doc.Deleted {
		body = string(w.Doc.Body)
	}
	if at.d != 0 {
		return at.d, t.c.exec("UPDATE documents SET rev = ?, deleted = ?, body = ?, meta = ?, keys = ? WHERE d = ?",
			w.Doc.Rev, w.Doc.Deleted, body, encodeMeta(w.Doc), encodeKeys(keys), at.d)
	}
	res, err := t.c.result("INSERT INTO documents (c, id, rev, deleted, body, meta, keys) VALUES (?, ?, ?, ?, ?, ?, ?)",
		col.c, w.ID, w.Doc.Rev, w.Doc.Deleted, body, encodeMeta(w.Doc), encodeKeys(keys))
	if err != nil {
		return 0, err
	}
	return res.LastInsertId()
}

// rekey brings the index trees from a document's old keys to its new ones.
func (t *tx) rekey(col *collection, id string, d int64, before, after []heldKey) error {
	for _, k := range before {
		if contains(after, k) || !col.keeps(k.ix) {
			continue // the keys of an index that was removed are cleared away by themselves
		}
		q := "DELETE FROM keys WHERE ix = ? AND key = ? AND id = ?"
		if col.unique(k.ix) {
			q = "DELETE FROM uniques WHERE ix = ? AND key = ? AND id = ?"
		}
		if err := t.c.exec(q, k.ix, string(k.key), id); err != nil {
			return err
		}
	}
	for _, k := range after {
		if contains(before, k) {
			continue
		}
		if err := t.addKey(col, id, d, k); err != nil {
			return err
		}
	}
	return nil
}

func contains(keys []heldKey, k heldKey) bool {
	for _, x := range keys {
		if x == k {
			return true
		}
	}
	return false
}

// addKey puts one key, which the document does not have yet, into its index.
func (t *tx) addKey(col *collection, id string, d int64, k heldKey) error {
	if !col.unique(k.ix) {
		return t.c.exec("INSERT INTO keys (ix, key, id, d) VALUES (?, ?, ?, ?)", k.ix, string(k.key), id, d)
	}
	res, err := t.c.result("INSERT INTO uniques (ix, key, id, d) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", k.ix, string(k.key), id, d)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); n > 0 || err != nil {
		return err
	}
	var holder string
	if err := t.c.row("SELECT id FROM uniques WHERE ix = ? AND key = ?", k.ix, string(k.key)).Scan(&holder); err != nil {
		return err
	}
	return &duplicate{index: col.indexName(k.ix), collection: col.name, holder: holder}
}

// duplicate is a store.ErrDuplicate that names the index.
type duplicate struct{ index, collection, holder string }

func (e *duplicate) Error() string {
	return fmt.Sprintf("index %s of %s: %v", e.index, e.collection, store.ErrDuplicate)
}

func (e *duplicate) Unwrap() error { return store.ErrDuplicate }

// append adds an entry to its log and gives its number, or that which it has.
func (t *tx) append(e store.Entry) (int64, error) {
	if e.Log == "" || e.ID == "" {
		return 0, fault.New(fault.Internal, "an entry needs a log and an id")
	}
	var l, last int64
	var sealed bool
	err := t.c.row(`SELECT g.l, coalesce(e.n, 0), coalesce(e.seal, 0) FROM logs g LEFT JOIN entries e ON e.log = g.l
		WHERE g.name = ? ORDER BY e.n DESC LIMIT 1`, e.Log).Scan(&l, &last, &sealed)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, err
	}
	if sealed {
		n, err := t.number(l, e.ID)
		if errors.Is(err, sql.ErrNoRows) {
			return 0, fmt.Errorf("log %s: %w", e.Log, store.ErrSealed)
		}
		return n, err
	}
	if err := t.change(); err != nil {
		return 0, err
	}
	if l == 0 {
		res, err := t.c.result("INSERT INTO logs (name) VALUES (?)", e.Log)
		if err != nil {
			return 0, err
		}
		if l, err = res.LastInsertId(); err != nil {
			return 0, err
		}
	}
	var body any
	if e.Body != nil {
		body = string(e.Body)
	}
	res, err := t.c.result(`INSERT INTO entries (log, n, id, kind, at, body, seal) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (log, id) DO NOTHING`, l, last+1, e.ID, e.Kind, e.At.UTC().Format(time.RFC3339Nano), body, e.Seal)
	if err != nil {
		return 0, err
	}
	added, err := res.RowsAffected()
	if err != nil {
		return 0, err
	}
	if added == 0 {
		return t.number(l, e.ID)
	}
	t.part = append(t.part, growth{e.Log, last + 1})
	return last + 1, nil
}

// number gives the number that an entry has in its log.
func (t *tx) number(l int64, id string) (int64, error) {
	var n int64
	err := t.c.row("SELECT n FROM entries WHERE log = ? AND id = ?", l, id).Scan(&n)
	return n, err
}
