package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestSecretIsNeverPrinted(t *testing.T) {
	const value = "hunter2"
	s := NewSecret(value)
	c := Default()
	c.SMS.Token, c.Vault.MasterKey = s, s
	inside := struct{ hidden Secret }{s}

	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10.3s", "%T"} {
		for _, v := range []any{s, &s, c, &c, inside, &inside, []Secret{s}, map[string]Secret{"a": s}} {
			got := fmt.Sprintf(verb, v)
			for _, form := range []string{value, fmt.Sprintf("%x", value), fmt.Sprintf("%X", value)} {
				if strings.Contains(got, form) {
					t.Errorf("%s of %T prints it: %s", verb, v, got)
				}
			}
		}
		if got := fmt.Sprintf(verb, s); verb != "%T" && got != "[secret]" {
			t.Errorf("%s: %s", verb, got)
		}
	}

	var logged bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&logged, nil), slog.NewJSONHandler(&logged, nil)} {
		slog.New(h).Info("x", "secret", s, "config", c, "list", []Secret{s})
	}
	j, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	y, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"log": logged.String(), "JSON": string(j), "YAML": string(y)} {
		if strings.Contains(text, value) {
			t.Errorf("%s: %s", name, text)
		}
		if !strings.Contains(text, "[secret]") {
			t.Errorf("%s lacks [secret]: %s", name, text)
		}
	}
}

func TestSecret(t *testing.T) {
	var zero Secret
	if zero.IsSet() || zero.Reveal() != "" || !zero.Equal(NewSecret("")) {
		t.Error("the zero Secret is not empty")
	}
	s := NewSecret("hunter2")
	if !s.IsSet() || s.Reveal() != "hunter2" || !s.Equal(NewSecret("hunter2")) || s.Equal(zero) {
		t.Error("a Secret does not keep its value")
	}
	if s.String() != "[secret]" {
		t.Errorf("String: %s", s.String())
	}
}
