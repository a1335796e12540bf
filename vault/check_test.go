package vault

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"hezuo/store"
)

// TestCheckFinds damages keys behind the vault's back.
func TestCheckFinds(t *testing.T) {
	for name, c := range map[string]struct {
		damage func(mine, other *keyDoc)
		want   string
	}{
		"a changed byte":         {func(mine, _ *keyDoc) { mine.Wrapped[20] ^= 1 }, keyInvariant},
		"another's key":          {func(mine, other *keyDoc) { *mine = *other }, keyInvariant},
		"no key":                 {func(mine, _ *keyDoc) { mine.Wrapped = nil }, keyInvariant},
		"an unknown master":      {func(mine, _ *keyDoc) { mine.Master = "file-0" }, keyInvariant},
		"destroyed, still there": {func(mine, _ *keyDoc) { mine.Destroyed = time.Unix(1, 0).UTC() }, destroyInvariant},
		"destroyed, names a master": {func(mine, _ *keyDoc) {
			mine.Destroyed, mine.Wrapped = time.Unix(1, 0).UTC(), nil
		}, destroyInvariant},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			v := h.vault(t, fileKMS(t, "m1"))
			mustSeal(t, v, "p-1", "phone", "13812341234")
			mustSeal(t, v, "p-2", "phone", "13812341234")
			h.check(t, v)
			var mine, other envelope
			d := h.read(t, "p-1", &mine)
			h.read(t, "p-2", &other)
			c.damage(&mine.Doc, &other.Doc)
			d.Body, _ = json.Marshal(mine)
			d.Rev++
			if err := h.db.Write(t.Context(), store.Write{Collection: d.Collection, ID: d.ID, Expect: d.Rev - 1, Doc: d}); err != nil {
				t.Fatal(err)
			}
			var report store.Report
			if err := v.Check(t.Context(), &report); err != nil {
				t.Fatal(err)
			}
			if len(report.Findings) != 1 || report.Findings[0].Invariant != c.want || !strings.HasSuffix(report.Findings[0].Where, "/p-1") {
				t.Errorf("findings: %+v", report.Findings)
			}
			if report.Counted["vault keys"] != 3 {
				t.Errorf("counted: %v", report.Counted)
			}
		})
	}
}

// envelope is a document's body as the store writes it.
type envelope struct {
	ID  string `json:"id"`
	Doc keyDoc `json:"doc"`
}

func (h *house) read(t testing.TB, owner string, into *envelope) *store.Document {
	t.Helper()
	d, err := h.db.Get(t.Context(), "vault_keys", owner)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(d.Body, into); err != nil {
		t.Fatal(err)
	}
	return d
}
