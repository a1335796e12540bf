package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// TestSealedIsNotPrinted: no verb and no log handler shows a ciphertext, and JSON
// carries it whole.
func TestSealedIsNotPrinted(t *testing.T) {
	v := newHouse(t).vault(t, fileKMS(t, "m1"))
	s := mustSeal(t, v, "p-1", "phone", "13812341234")
	person := struct{ Phone Sealed }{s}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "phone", s, "person", person)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "phone", s)
	out := log.String()
	for _, verb := range []string{"%s", "%v", "%+v", "%#v", "%q", "%x", "%X", "%d", "%10s", "%T"} {
		out += fmt.Sprintf(verb+" "+verb+"\n", s, person)
	}
	out += fmt.Sprint(s, []Sealed{s}, &person, errors.Join(fmt.Errorf("bad: %v", s)))
	if strings.Contains(out, string(s[4:12])) || strings.Contains(out, fmt.Sprintf("%x", string(s[4:8]))) {
		t.Errorf("printed: %s", out)
	}
	if !strings.Contains(out, "phone=[sealed]") || !strings.Contains(out, `"phone":"[sealed]"`) {
		t.Errorf("logged: %s", log.String())
	}
	if got := fmt.Sprint(Sealed("")); got != "" {
		t.Errorf("nothing printed as %q", got)
	}
	b, err := json.Marshal(person)
	if err != nil || string(b) != `{"Phone":"`+string(s)+`"}` {
		t.Errorf("JSON: %s, %v", b, err)
	}
	back := person
	back.Phone = ""
	if err := json.Unmarshal(b, &back); err != nil || back != person {
		t.Errorf("back: %v", err)
	}
}

// TestKeysAreNotPrinted: no printing of a vault, a KMS or their configuration
// shows a key.
func TestKeysAreNotPrinted(t *testing.T) {
	h := newHouse(t)
	kms := fileKMS(t, "m1")
	v := h.vault(t, kms)
	mustSeal(t, v, "p-1", "phone", "13812341234")
	it, err := v.house.Get(t.Context(), hashKeyID)
	if err != nil {
		t.Fatal(err)
	}
	hashKey, err := v.unwrap(t.Context(), "vault_house", hashKeyID, it.Doc)
	if err != nil {
		t.Fatal(err)
	}
	var out string
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		out += fmt.Sprintf(verb+verb+verb+verb, v, *v, kms, *kms)
		out += fmt.Sprintf(verb, Config{KMS: kms})
	}
	for _, key := range [][]byte{hashKey, masterKey("m1")} {
		for _, form := range []string{"%d", "%x", "%v", "%#v"} {
			text := strings.Trim(fmt.Sprintf(form, key[:4]), "[]")
			if strings.Contains(out, text) {
				t.Errorf("a key is printed: %s", out)
			}
		}
	}
}

func FuzzOpen(f *testing.F) {
	aead, err := newAEAD(masterKey("data"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(storedSealed)
	f.Add("v1.")
	f.Add("v1.AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := open(aead, "p-1", "phone", Sealed(text))
		if (err == nil) != (text == storedSealed) || err != nil && (got != "" || !errors.Is(err, ErrBroken)) {
			t.Fatalf("%q opened as %q, %v", text, got, err)
		}
	})
}
