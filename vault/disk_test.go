package vault

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"os/exec"
	"testing"

	"hezuo/store"
)

// onDisk reads the store's file with its write-ahead log. Another process does
// it: were this one to close the file, SQLite's locks on it would be gone.
func (h *house) onDisk(t testing.TB) []byte {
	t.Helper()
	b, err := exec.CommandContext(t.Context(), "cat", h.path, h.path+"-wal").Output()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// forms are the ways in which bytes might stand in a file.
func forms(b []byte) map[string][]byte {
	return map[string][]byte{
		"as it is": b, "hexadecimal": []byte(hex.EncodeToString(b)),
		"base64": []byte(base64.RawStdEncoding.EncodeToString(b)), "base64url": []byte(base64.RawURLEncoding.EncodeToString(b)),
	}
}

// TestNothingOfPlaintextOnDisk seals, reveals, rewraps and destroys, has another
// room's document carry the sealed values, and then looks for the plaintext and
// for the keys in every byte of the store.
func TestNothingOfPlaintextOnDisk(t *testing.T) {
	type personDoc struct {
		Name  Sealed `json:"name"`
		Phone Sealed `json:"phone"`
		Hash  string `json:"hash"`
	}
	h := newHouse(t)
	v := h.vault(t, fileKMS(t, "m1"))
	people, err := store.Open(t.Context(), h.db, store.Spec[personDoc]{Name: "people"})
	if err != nil {
		t.Fatal(err)
	}
	var doc personDoc
	for _, owner := range []string{"p-1", "p-2"} {
		it, err := people.Create(t.Context(), owner, h.cmd(), func(d *personDoc) ([]store.Entry, error) {
			*d = personDoc{
				Name:  mustSeal(t, v, owner, "name", "欧阳娜娜"),
				Phone: mustSeal(t, v, owner, "phone", "13812341234"),
				Hash:  v.Hash("phone", "13812341234"),
			}
			return []store.Entry{store.Audit("person.create", "", nil)}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		doc = it.Doc
	}
	if _, err := v.Reveal(t.Context(), h.cmd(), purpose, "p-2", "phone", doc.Phone); err != nil {
		t.Fatal(err)
	}
	rotated := h.vault(t, fileKMS(t, "m2", "m1"))
	if _, err := rotated.Rewrap(t.Context(), h.cmd()); err != nil {
		t.Fatal(err)
	}
	secrets := map[string][]byte{
		"name": []byte("欧阳娜娜"), "phone": []byte("13812341234"),
		"master key": masterKey("m1"), "the other master key": masterKey("m2"),
	}
	var key envelope
	h.read(t, "p-2", &key)
	if secrets["data key"], err = rotated.unwrap(t.Context(), "vault_keys", "p-2", key.Doc); err != nil {
		t.Fatal(err)
	}
	if err := rotated.Destroy(t.Context(), h.cmd(), "p-1", why); err != nil {
		t.Fatal(err)
	}
	disk := h.onDisk(t)
	if !bytes.Contains(disk, []byte(doc.Phone)) || !bytes.Contains(disk, []byte(doc.Hash)) {
		t.Fatal("the store was not where it was looked for")
	}
	for name, secret := range secrets {
		for form, b := range forms(secret) {
			if bytes.Contains(disk, b) {
				t.Errorf("%s is on the disk, %s", name, form)
			}
		}
	}
	h.check(t, rotated)
}
