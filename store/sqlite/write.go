package sqlite

import (
	"context"

	"hezuo/fault"
	"hezuo/store"
)

// Write does one conditional write. Racing writers of one document stand in one
// queue, so w.Again sees the document as the one before left it: a write with
// Again never comes back with ErrConflict.
func (db *DB) Write(ctx context.Context, w store.Write) error {
	col, err := db.collection(w.Collection)
	if err != nil {
		return err
	}
	if w.ID == "" {
		return fault.New(fault.Internal, "a document needs an id")
	}
	if err := db.writable(ctx, col); err != nil {
		return err
	}
	size := 0
	if w.Doc != nil {
		size = len(w.Doc.Body)
	}
	for _, e := range w.Entries {
		size += len(e.Body)
	}
	return db.do(ctx, &op{size: size, do: func(t *tx) error { return t.write(col, &w) }})
}

// Append adds an entry to its log.
func (db *DB) Append(ctx context.Context, e store.Entry) (int64, error) {
	n := new(int64) // the writer may still fill it when the caller has left
	err := db.do(ctx, &op{size: len(e.Body), do: func(t *tx) (err error) {
		*n, err = t.append(e)
		return err
	}})
	if err != nil {
		return 0, err
	}
	return *n, nil
}
