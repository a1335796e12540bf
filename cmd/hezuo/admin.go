package main

import (
	"crypto/rand"
	"errors"
	"fmt"

	"hezuo/vault"
)

type adminCommand struct {
	Create adminCreate `cmd:"" help:"Make the person of a phone an administrator, who then signs in by code like everybody."`
	Erase  adminErase  `cmd:"" help:"Delete a person's data for ever: what was sealed under their key cannot be read again."`
}

type adminErase struct {
	common
	Person string `required:"" help:"The person's id."`
	Why    string `required:"" help:"The reason; it stays in the audit trail."`
}

// Run deletes a person's data.
func (c *adminErase) Run(w *world) error {
	return withHouse(w, c.common, func(h *house) error {
		if err := h.identity.Erase(w.ctx, command("admin.erase"), c.Person, c.Why); err != nil {
			return err
		}
		_, _ = fmt.Fprintf(w.stdout, "the data of %s is deleted; what they signed stays verifiable\n", c.Person)
		return nil
	})
}

type adminCreate struct {
	common
	Phone string `required:"" help:"Mobile number."`
	Name  string `required:"" help:"Name."`
}

// Run makes an administrator. There is none by default.
func (c *adminCreate) Run(w *world) error {
	return withHouse(w, c.common, func(h *house) error {
		view, err := h.identity.CreateAdmin(w.ctx, command("admin.create"), c.Phone, c.Name)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(w.stdout, "%s (%s) is an administrator: sign in with a code sent to the phone\n", view.ID, view.Phone)
		return nil
	})
}

type keysCommand struct {
	New    keysNew    `cmd:"" help:"Print a new master key, to be kept in a file that only the program can read."`
	Rotate keysRotate `cmd:"" help:"Sign access tokens with a new key from now on; the old one stays published until its tokens are over."`
}

type keysNew struct{}

// Run prints a new master key.
func (keysNew) Run(w *world) error {
	key, err := vault.GenerateMasterKey(rand.Reader)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(w.stdout, key)
	return nil
}

type keysRotate struct{ common }

// Run rotates the keys of access tokens.
func (c *keysRotate) Run(w *world) error {
	return withHouse(w, c.common, func(h *house) error {
		if err := h.identity.RotateKeys(w.ctx, command("keys.rotate")); err != nil {
			return err
		}
		_, _ = fmt.Fprintln(w.stdout, "access tokens are signed with a new key from now on")
		return nil
	})
}

// withHouse builds the house for one act at the command line.
func withHouse(w *world, c common, act func(*house) error) error {
	cfg, err := c.load(w)
	if err != nil {
		return err
	}
	if err := cfg.Validate(); err != nil {
		return err
	}
	h, err := build(w.ctx, cfg, options{stdout: w.stdout, stderr: w.stderr})
	if err != nil {
		return err
	}
	return errors.Join(act(h), h.close())
}
