package matching

import (
	"context"
	"sync"

	"hezuo/store"
)

// faultyDB is a real store under whose hands a test can die.
type faultyDB struct {
	mu     sync.Mutex
	db     store.DB
	writes int // since the count was last set to 0
	// before says what happens instead of a write, and after what is answered once
	// it has happened; n is the write's number.
	before, after func(n int, w store.Write) error
}

func (f *faultyDB) set(db store.DB) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.db, f.writes, f.before, f.after = db, 0, nil, nil
}

func (f *faultyDB) real() store.DB {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.db
}

// Write counts, fails as it was told, and passes the write on.
func (f *faultyDB) Write(ctx context.Context, w store.Write) error {
	f.mu.Lock()
	f.writes++
	n, before, after := f.writes, f.before, f.after
	f.mu.Unlock()
	if before != nil {
		if err := before(n, w); err != nil {
			return err
		}
	}
	err := f.real().Write(ctx, w)
	if err == nil && after != nil {
		err = after(n, w)
	}
	return err
}

// Define passes on.
func (f *faultyDB) Define(ctx context.Context, d store.Definition) error {
	return f.real().Define(ctx, d)
}

// Get passes on.
func (f *faultyDB) Get(ctx context.Context, collection, id string) (*store.Document, error) {
	return f.real().Get(ctx, collection, id)
}

// Find passes on.
func (f *faultyDB) Find(ctx context.Context, q store.Query) ([]store.Match, error) {
	return f.real().Find(ctx, q)
}

// Append passes on.
func (f *faultyDB) Append(ctx context.Context, e store.Entry) (int64, error) {
	return f.real().Append(ctx, e)
}

// Read passes on.
func (f *faultyDB) Read(ctx context.Context, log string, after int64, limit int) ([]store.Record, error) {
	return f.real().Read(ctx, log, after, limit)
}

// Logs passes on.
func (f *faultyDB) Logs(ctx context.Context, prefix, after string, limit int) ([]store.LogHead, error) {
	return f.real().Logs(ctx, prefix, after, limit)
}

// Ready passes on.
func (f *faultyDB) Ready(ctx context.Context) error { return f.real().Ready(ctx) }

// Close passes on.
func (f *faultyDB) Close() error { return f.real().Close() }

var _ store.DB = (*faultyDB)(nil)
