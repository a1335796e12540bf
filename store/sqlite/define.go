package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"hezuo/fault"
	"hezuo/store"
)

// Define makes a collection known. A definition that the store has not seen
// takes over from the one before it: indexes that are new, or have a new version,
// are filled in the background; those it lacks are removed. One that the store
// has seen and that another has followed is an older program's: ErrOutdated.
func (db *DB) Define(ctx context.Context, d store.Definition) error {
	if err := checkDefinition(d); err != nil {
		return err
	}
	db.mu.RLock()
	known := db.collections[d.Collection]
	db.mu.RUnlock()
	if known != nil {
		if known.fingerprint != fingerprint(d) {
			return fault.New(fault.Internal, "the collection %s is defined otherwise already", d.Collection)
		}
		if known.outdated.Load() {
			return store.ErrOutdated
		}
		return nil
	}
	var def *defining
	o := &op{
		do: func(t *tx) error {
			def = &defining{tx: t, d: d, col: &collection{name: d.Collection, fingerprint: fingerprint(d)}}
			return def.run()
		},
		after: func() { db.defined(def) },
	}
	return db.do(ctx, o)
}

func checkDefinition(d store.Definition) error {
	if d.Collection == "" {
		return fault.New(fault.Internal, "a collection needs a name")
	}
	seen := map[string]bool{}
	for _, ix := range d.Indexes {
		if ix.Name == "" || ix.Keys == nil || seen[ix.Name] {
			return fault.New(fault.Internal, "the indexes of %s need names of their own, and keys", d.Collection)
		}
		seen[ix.Name] = true
	}
	return nil
}

// defined takes a definition that is on disk into use. It runs on the writer's
// goroutine, so that no other process's definition slips in between.
func (db *DB) defined(def *defining) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.collections[def.col.name] != nil {
		return // two callers defined it at once, in the same way
	}
	db.collections[def.col.name] = def.col
	if db.closed.Load() {
		return
	}
	for _, ix := range def.col.indexes {
		if ix.state.Load() < ready {
			db.work.Go(func() { db.fill(def.col, ix) })
		}
	}
	for _, r := range def.rest {
		db.work.Go(func() { db.clear(r.ix, r.unique) })
	}
}

// defining is a definition on its way into the store.
type defining struct {
	tx   *tx
	d    store.Definition
	col  *collection
	rows []indexRow
	rest []indexRow // removed, with keys that are still there
}

type indexRow struct {
	ix      int64
	name    string
	version int
	unique  bool
	state   int
}

func (def *defining) run() error {
	if err := def.collection(); err != nil {
		return err
	}
	if err := def.load(); err != nil {
		return err
	}
	inForce, seen, err := def.definitions()
	if err != nil {
		return err
	}
	if inForce != def.col.fingerprint || !seen {
		if seen {
			return fmt.Errorf("define %s: %w", def.col.name, store.ErrOutdated)
		}
		if err := def.takeOver(); err != nil {
			return err
		}
	}
	return def.adopt()
}

// collection finds the collection's number, or gives it one.
func (def *defining) collection() error {
	t, col := def.tx, def.col
	err := t.c.row("SELECT c FROM collections WHERE name = ?", col.name).Scan(&col.c)
	if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if err := t.change(); err != nil {
		return err
	}
	res, err := t.c.result("INSERT INTO collections (name) VALUES (?)", col.name)
	if err != nil {
		return err
	}
	col.c, err = res.LastInsertId()
	return err
}

// load reads what the store has of the collection's indexes.
func (def *defining) load() error {
	rows, err := def.tx.c.query("SELECT ix, name, version, uniq, state FROM indexes WHERE c = ? ORDER BY ix", def.col.c)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var r indexRow
		if err := rows.Scan(&r.ix, &r.name, &r.version, &r.unique, &r.state); err != nil {
			return err
		}
		def.rows = append(def.rows, r)
	}
	return rows.Err()
}

// definitions tells which definition is in force, and whether this one was seen.
func (def *defining) definitions() (inForce string, seen bool, err error) {
	rows, err := def.tx.c.query("SELECT fingerprint FROM definitions WHERE c = ? ORDER BY generation", def.col.c)
	if err != nil {
		return "", false, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := rows.Scan(&inForce); err != nil {
			return "", false, err
		}
		seen = seen || inForce == def.col.fingerprint
	}
	return inForce, seen, rows.Err()
}

// takeOver puts a definition that was never seen in force.
func (def *defining) takeOver() error {
	if err := def.tx.change(); err != nil {
		return err
	}
	state := building
	var some int
	err := def.tx.c.row("SELECT 1 FROM documents WHERE c = ? LIMIT 1", def.col.c).Scan(&some)
	if errors.Is(err, sql.ErrNoRows) {
		state, err = ready, nil // there is nothing to fill it with
	}
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	for _, ix := range def.d.Indexes {
		wanted[ix.Name] = true
		if err := def.takeOverIndex(ix, state); err != nil {
			return err
		}
	}
	for i, r := range def.rows {
		if !wanted[r.name] {
			if err := def.remove(i); err != nil {
				return err
			}
		}
	}
	if err := def.tx.c.exec("UPDATE meta SET v = v + 1 WHERE k = 'generation'"); err != nil {
		return err
	}
	return def.tx.c.exec(`INSERT INTO definitions (c, fingerprint, generation)
		SELECT ?, ?, v FROM meta WHERE k = 'generation'`, def.col.c, def.col.fingerprint)
}

func (def *defining) takeOverIndex(ix store.IndexDef, state int) error {
	for i, r := range def.rows {
		switch {
		case r.name != ix.Name:
		case r.version > ix.Version:
			return fmt.Errorf("define %s: index %s has version %d: %w", def.col.name, ix.Name, r.version, store.ErrOutdated)
		case r.version == ix.Version && r.state < removed:
			if r.unique != ix.Unique {
				return fault.New(fault.Internal, "index %s of %s needs a new version to become unique or cease to be", ix.Name, def.col.name)
			}
			return nil
		default:
			if err := def.remove(i); err != nil {
				return err
			}
		}
	}
	res, err := def.tx.c.result(`INSERT INTO indexes (c, name, version, uniq, state, cursor, problem) VALUES (?, ?, ?, ?, ?, '', '')`,
		def.col.c, ix.Name, ix.Version, ix.Unique, state)
	if err != nil {
		return err
	}
	n, err := res.LastInsertId()
	def.rows = append(def.rows, indexRow{n, ix.Name, ix.Version, ix.Unique, state})
	return err
}

func (def *defining) remove(i int) error {
	r := &def.rows[i]
	if r.state >= removed {
		return nil
	}
	r.state = removed
	return def.tx.c.exec("UPDATE indexes SET state = ? WHERE ix = ?", removed, r.ix)
}

// adopt takes the indexes that are in force into the collection, and notes those
// whose keys are to be cleared away.
func (def *defining) adopt() error {
	for _, r := range def.rows {
		if r.state == removed {
			def.rest = append(def.rest, r)
		}
	}
	for _, ix := range def.d.Indexes {
		var found *indexRow
		for i, r := range def.rows {
			if r.name == ix.Name && r.version == ix.Version && r.state < removed {
				found = &def.rows[i]
			}
		}
		if found == nil {
			return fault.New(fault.Internal, "index %s of %s is in a definition and not in the store", ix.Name, def.col.name)
		}
		def.col.indexes = append(def.col.indexes, newIndex(found.ix, ix, found.state))
	}
	return nil
}
