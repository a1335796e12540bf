package sqlite

import (
	"context"
	"fmt"

	"hezuo/fault"
	"hezuo/store"
)

// maxPage is how many documents a query may ask for: one more than a page of a
// Collection, which so sees whether there is a next one.
const maxPage = 1001

// The queries, by direction. A page begins behind a key and an id and ends
// before a key; where there is no bound, the empty string sorts before all keys
// and a blob behind all. So one text serves every kind of range.
const (
	findIDs = `SELECT d.id, d.id, d.rev, d.deleted, d.body, d.meta FROM documents d
		WHERE d.c = ? AND d.id >= ? AND d.id < ? ORDER BY d.id %s LIMIT ?`
	findUp = `SELECT k.key, d.id, d.rev, d.deleted, d.body, d.meta FROM %s k CROSS JOIN documents d ON d.d = k.d
		WHERE k.ix = ? AND (k.key, k.id) > (?, ?) AND k.key < ? ORDER BY k.key, k.id LIMIT ?`
	findDown = `SELECT k.key, d.id, d.rev, d.deleted, d.body, d.meta FROM %s k CROSS JOIN documents d ON d.d = k.d
		WHERE k.ix = ? AND k.key >= ? AND (k.key, k.id) < (?, ?) ORDER BY k.key DESC, k.id DESC LIMIT ?`
)

// Find reads one page of documents. It waits for an index that is being filled.
func (db *DB) Find(ctx context.Context, q store.Query) ([]store.Match, error) {
	col, err := db.collection(q.Collection)
	if err != nil {
		return nil, err
	}
	if q.Limit > maxPage {
		return nil, fault.New(fault.Internal, "a page of more than %d documents", maxPage)
	}
	if q.Limit < 1 {
		return nil, ctx.Err()
	}
	if q.Index == "" {
		text, args := byID(q, col)
		return db.page(ctx, q, text, args)
	}
	ix := col.index(q.Index)
	if ix == nil {
		return nil, fmt.Errorf("find in %s by %s: %w", q.Collection, q.Index, store.ErrNoIndex)
	}
	if err := db.await(ctx, ix.ready); err != nil {
		return nil, err
	}
	text, args := byIndex(q, ix)
	found, err := db.page(ctx, q, text, args)
	if err != nil {
		return nil, err
	}
	// The page is right if the index is in force now: no one ceases to maintain
	// its keys before it is marked as removed.
	state, err := db.indexState(ctx, ix.ix)
	if err == nil && state != ready {
		err = fmt.Errorf("find in %s by %s: %w", q.Collection, q.Index, store.ErrOutdated)
	}
	if err != nil {
		return nil, err
	}
	return found, nil
}

func (db *DB) page(ctx context.Context, q store.Query, text string, args []any) ([]store.Match, error) {
	var out []store.Match
	err := db.each(ctx, text, args, func(row scanner) error {
		m := store.Match{Doc: &store.Document{Collection: q.Collection}}
		err := scanDocument(row, m.Doc, (*string)(&m.Key))
		out = append(out, m)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// byID makes the query for the documents in the order of their ids.
func byID(q store.Query, col *collection) (string, []any) {
	from, to := q.Bounds()
	low, high := string(from), bound(to)
	direction := "ASC"
	switch {
	case q.Descending:
		direction = "DESC"
		if q.AfterID != "" && (to == "" || q.AfterID < string(to)) {
			high = q.AfterID
		}
	case q.AfterID != "":
		low = max(low, next(q.AfterID))
	}
	return fmt.Sprintf(findIDs, direction), []any{col.c, low, high, q.Limit}
}

// byIndex makes the query for the documents in the order of an index.
func byIndex(q store.Query, ix *index) (string, []any) {
	table := "keys"
	if ix.def.Unique {
		table = "uniques"
	}
	from, to := q.Bounds()
	if q.Descending {
		high, id := bound(to), ""
		if q.AfterID != "" && (to == "" || q.AfterKey < to) {
			high, id = string(q.AfterKey), q.AfterID
		}
		return fmt.Sprintf(findDown, table), []any{ix.ix, string(from), high, id, q.Limit}
	}
	low, id := from, ""
	if q.AfterID != "" && q.AfterKey >= from {
		low, id = q.AfterKey, q.AfterID
	}
	return fmt.Sprintf(findUp, table), []any{ix.ix, string(low), id, bound(to), q.Limit}
}

// bound is an upper bound as SQLite should see it.
func bound(to store.Key) any {
	if to == "" {
		return infinity
	}
	return string(to)
}
