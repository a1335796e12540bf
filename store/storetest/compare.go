package storetest

import (
	"encoding/json"
	"errors"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"hezuo/store"
)

// diff tells how two values of a store differ. Bodies are compared as JSON, for
// a backend may keep them in another form.
func diff(want, got any) string {
	sameJSON := cmp.Comparer(func(a, b json.RawMessage) bool {
		x, errX := store.Hash(a)
		y, errY := store.Hash(b)
		return errX == nil && errY == nil && x == y
	})
	return cmp.Diff(want, got, cmpopts.EquateEmpty(),
		cmp.FilterValues(func(a, b json.RawMessage) bool { return len(a) > 0 || len(b) > 0 }, sameJSON))
}

// sentinels are the errors that a caller may look for.
var sentinels = []error{
	store.ErrNotFound, store.ErrExists, store.ErrDuplicate, store.ErrConflict, store.ErrReused, store.ErrSealed,
	store.ErrFenced, store.ErrUnknown, store.ErrClosed, store.ErrOutdated, store.ErrNoAudit, store.ErrNoIndex, store.ErrHeld,
}

// kind gives the error of the contract in err's tree; err itself if there is none.
func kind(err error) error {
	for _, s := range sentinels {
		if errors.Is(err, s) {
			return s
		}
	}
	return err
}
