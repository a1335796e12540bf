package sqlite

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"hezuo/store"
)

func TestCodec(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		done := rapid.Custom(func(t *rapid.T) store.Done {
			return store.Done{ID: rapid.String().Draw(t, "id"), Rev: rapid.Int64().Draw(t, "rev"), Hash: rapid.String().Draw(t, "hash")}
		})
		want := store.Document{
			Head: rapid.String().Draw(t, "head"), Commands: rapid.SliceOf(done).Draw(t, "commands"),
			Epochs: rapid.MapOf(rapid.String(), rapid.Int64()).Draw(t, "epochs"),
		}
		var got store.Document
		b := encodeMeta(&want)
		if err := decodeMeta(b, &got); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
			t.Fatal(d)
		}
		if cut := rapid.IntRange(0, len(b)-1).Draw(t, "cut"); decodeMeta(b[:cut], &got) == nil {
			t.Fatal("what was cut off can be read")
		}
		keys := rapid.SliceOf(rapid.Custom(func(t *rapid.T) heldKey {
			return heldKey{rapid.Int64().Draw(t, "ix"), store.Key(rapid.String().Draw(t, "key"))}
		})).Draw(t, "keys")
		again, err := decodeKeys(encodeKeys(keys))
		if err != nil || !cmp.Equal(keys, again, cmp.AllowUnexported(heldKey{}), cmpopts.EquateEmpty()) {
			t.Fatal(again, err)
		}
		_, _ = decodeKeys(rapid.SliceOf(rapid.Byte()).Draw(t, "garbage")) // must not panic
	})
}
