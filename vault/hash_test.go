package vault

import (
	"testing"

	"pgregory.net/rapid"
)

func TestHash(t *testing.T) {
	h := newHouse(t)
	v := h.vault(t, fileKMS(t, "m1"))
	same := h.vault(t, fileKMS(t, "m1"))
	other := newHouse(t).vault(t, fileKMS(t, "m1"))
	if v.Hash("phone", "") != "" {
		t.Error("nothing has a hash")
	}
	rapid.Check(t, func(r *rapid.T) {
		kind := rapid.StringN(0, 10, -1).Draw(r, "kind")
		value := rapid.StringN(1, 20, -1).Draw(r, "value")
		got := v.Hash(kind, value)
		if len(got) < 128/4 {
			r.Fatalf("%d hexadecimal digits", len(got))
		}
		if same.Hash(kind, value) != got {
			r.Fatal("another node hashes differently")
		}
		// The border between kind and value counts, the kind, and the house.
		for _, no := range []string{v.Hash(kind+value[:1], value[1:]), v.Hash(kind+"x", value), v.Hash(kind, value+"x"), other.Hash(kind, value)} {
			if no == got {
				r.Fatal("two different things hash alike")
			}
		}
	})
}
