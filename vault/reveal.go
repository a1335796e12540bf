package vault

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"hezuo/fault"
	"hezuo/store"
)

// The length of a purpose, or of a reason, in characters.
const (
	MinReason = 4
	MaxReason = 300
)

// Reveal decrypts one value for somebody who is not its owner, as an act of
// theirs: before the value is returned, who, when, for what purpose and which
// field are in the audit trail of the owner's key (collection vault_keys), where
// the owner can be shown them (个人信息保护法 44, 45). If that cannot be written,
// or it is not known whether it was, nothing is returned.
//
// The purpose is for people to read, 4 to 300 characters, kept for ever, and
// never personal data. Repeating the very same command writes no second entry;
// any difference, of the moment too, makes one of its own.
//
// Errors: an [fault.Invalid] fault on "purpose"; [ErrDestroyed], at once on every
// node; [ErrBroken]; those of the store and of the KMS.
func (v *Vault) Reveal(ctx context.Context, cmd store.Command, purpose string, owner, field string, s Sealed) (string, error) {
	purpose, err := reason("purpose", purpose)
	if err != nil {
		return "", err
	}
	// First decrypt, so that the trail has no entry for what nobody could see.
	plaintext, err := v.Open(ctx, owner, field, s)
	if err != nil || s == "" {
		return "", err
	}
	it, err := v.keys.Update(ctx, owner, revealCommand(cmd, purpose, field, s), func(d *keyDoc) ([]store.Entry, error) {
		if !d.Destroyed.IsZero() {
			return nil, ErrDestroyed
		}
		return []store.Entry{store.Audit("vault.reveal", purpose, map[string]string{"field": field})}, nil
	})
	if err != nil {
		return "", fmt.Errorf("vault: reveal: %w", err)
	}
	if !it.Doc.Destroyed.IsZero() { // a repeat, for which the function is not called
		return "", ErrDestroyed
	}
	return plaintext, nil
}

// revealCommand derives the command under which one reveal is remembered. All
// that the entry says is in its id: were it only the caller's id, whoever repeats
// an id with another field, or as another actor, would see without a trace.
func revealCommand(cmd store.Command, purpose, field string, s Sealed) store.Command {
	if cmd.ID == "" {
		return cmd // the store refuses it
	}
	sum := sha256.Sum256(bind(cmd.Actor, cmd.From, cmd.At.UTC().Format(time.RFC3339Nano), purpose, field, string(s)))
	return cmd.Sub("vault.reveal/" + hex.EncodeToString(sum[:16]))
}

// reason checks a purpose or reason and trims it. It goes into an audit trail
// and stays there, so what looks like a phone or identity number is refused.
func reason(field, text string) (string, error) {
	text = strings.TrimSpace(text)
	switch n := utf8.RuneCountInString(text); {
	case n < MinReason:
		return "", fault.Field(field, "say why, in at least 4 characters", "name the complaint, order or duty that this serves")
	case n > MaxReason:
		return "", fault.Field(field, "say why in at most 300 characters", "shorten it")
	}
	digits := 0
	for _, r := range text {
		if !unicode.IsDigit(r) {
			digits = 0
			continue
		}
		if digits++; digits == 11 {
			return "", fault.Field(field, "this is kept for ever and may not hold a phone or identity number", "name the person by their role, or the case by its id")
		}
	}
	return text, nil
}
