package store_test

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hezuo/store"
)

// anyText has the characters that keys treat apart, and whole ones of others.
var anyText = rapid.OneOf(
	rapid.StringMatching(`[a\x00\x1d\x1e\x1f\x20\x7f中]{0,4}`), rapid.String(),
)

var anyInteger = rapid.OneOf(rapid.Int64(), rapid.SampledFrom([]int64{math.MinInt64, -1, 0, 1, math.MaxInt64}))

// TestKeyOrder proves that keys compare as their parts do, part by part.
func TestKeyOrder(t *testing.T) {
	type parts struct {
		text string
		n    int64
		more string
		yes  bool
	}
	draw := rapid.Custom(func(t *rapid.T) parts {
		return parts{anyText.Draw(t, "text"), anyInteger.Draw(t, "n"), anyText.Draw(t, "more"), rapid.Bool().Draw(t, "yes")}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw.Draw(t, "a"), draw.Draw(t, "b")
		want := cmp.Or(cmp.Compare(a.text, b.text), cmp.Compare(a.n, b.n), cmp.Compare(a.more, b.more))
		if want == 0 && a.yes != b.yes {
			want = map[bool]int{false: -1, true: 1}[a.yes]
		}
		got := cmp.Compare(store.K(a.text, a.n, a.more, a.yes), store.K(b.text, b.n, b.more, b.yes))
		if got != want {
			t.Fatalf("%+v and %+v compare as %d, not %d", a, b, got, want)
		}
	})
}

func TestKeyTimes(t *testing.T) {
	at := time.Date(2026, 5, 1, 23, 59, 59, 999_000_000, time.UTC)
	east := time.FixedZone("east", 8*3600)
	if store.K(at) != store.K(at.In(east)) {
		t.Error("a key depends on the zone")
	}
	if store.K(at) >= store.K(at.Add(time.Millisecond)) || store.K(at) != store.K(at.Add(time.Microsecond)) {
		t.Error("a key is not in order to the millisecond")
	}
}

func TestKeyTypes(t *testing.T) {
	if store.K(3) != store.K(int64(3)) || store.K(time.Second) != store.K("1s") {
		t.Error("an int, or a stringer")
	}
	defer func() {
		if recover() == nil {
			t.Error("a key of a float")
		}
	}()
	store.K(1.5)
}

// TestBounds compares a query's bounds with what its prefix and range mean.
func TestBounds(t *testing.T) {
	key := rapid.Custom(func(t *rapid.T) []string { return rapid.SliceOfN(anyText, 1, 3).Draw(t, "parts") })
	k := func(parts []string) store.Key {
		all := make([]any, len(parts))
		for i, p := range parts {
			all[i] = p
		}
		return store.K(all...)
	}
	rapid.Check(t, func(t *rapid.T) {
		prefix, some := key.Draw(t, "prefix"), key.Draw(t, "key")
		if rapid.Bool().Draw(t, "with the prefix") {
			some = append(slices.Clone(prefix), some...)
		}
		q := store.Query{Prefix: k(prefix)}
		if rapid.Bool().Draw(t, "from") {
			q.From = k(key.Draw(t, "from key"))
		}
		if rapid.Bool().Draw(t, "to") {
			q.To = k(key.Draw(t, "to key"))
		}
		has := len(some) >= len(prefix) && slices.Equal(some[:len(prefix)], prefix) || q.Prefix == ""
		want := has && k(some) >= q.From && (q.To == "" || k(some) < q.To)
		from, to := q.Bounds()
		if got := k(some) >= from && (to == "" || k(some) < to); got != want {
			t.Fatalf("%q in %+v: %v", some, q, got)
		}
	})
}

func ExampleK() {
	fmt.Println(store.K("rongjiang", "open") < store.K("rongjiang", "opened"))
	fmt.Println(store.K("a", -1) < store.K("a", 0))
	// Output:
	// true
	// true
}
