package config

import (
	"cmp"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

// masterKey is 32 bytes in base64, and no one's.
var masterKey = base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))

// faults takes a joined error apart.
func faults(t *testing.T, err error) []*Error {
	t.Helper()
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("not a joined error: %v", err)
	}
	var out []*Error
	for _, one := range joined.Unwrap() {
		var e *Error
		if !errors.As(one, &e) {
			t.Fatalf("not an *Error: %v", one)
		}
		out = append(out, e)
	}
	return out
}

// wantFaults asserts one fault for each of want, a map of keys to a piece of
// the error's text, and that each names a fix.
func wantFaults(t *testing.T, err error, want map[string]string) {
	t.Helper()
	var got []string
	for _, e := range faults(t, err) {
		got = append(got, e.Key)
		if e.Problem == "" || e.Fix == "" {
			t.Errorf("%s: it does not say both what is wrong and the fix: %v", e.Key, e)
		}
		if piece, ok := want[e.Key]; ok && !strings.Contains(e.Error(), piece) {
			t.Errorf("%s: %q does not say %q", e.Key, e, piece)
		}
	}
	var keys []string
	for key := range want {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	slices.Sort(got)
	if d := gocmp.Diff(keys, got); d != "" {
		t.Errorf("keys with faults (-want +got):\n%s\n%v", d, err)
	}
}

func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoad(t *testing.T) {
	type change = func(*Config)
	tests := map[string]struct {
		file    string
		environ []string
		want    change
	}{
		"nothing said": {"", nil, func(*Config) {}},
		"empty file":   {"# nothing\n", nil, func(*Config) {}},
		"null file":    {"~\n", nil, func(*Config) {}},
		"the file over the defaults": {
			"listen: 0.0.0.0:80\nlog:\n  level: debug\norigins: [https://a.cn, https://b.cn]\n", nil,
			func(c *Config) {
				c.Listen = "0.0.0.0:80"
				c.Log.Level = "debug"
				c.Origins = []string{"https://a.cn", "https://b.cn"}
			},
		},
		"the environment over the file": {
			"log: {level: debug, format: json}\nlimits: {body_bytes: 2048}\n",
			[]string{"HEZUO_LOG__LEVEL=warn", "PATH=/bin", "HEZUO_LIMITS__BODY_BYTES=4096"},
			func(c *Config) {
				c.Log = Log{Level: "warn", Format: "json"}
				c.Limits.BodyBytes = 4096
			},
		},
		"every kind from the environment": {
			"",
			[]string{
				"HEZUO_ENVIRONMENT=production", "HEZUO_SHUTDOWN_TIMEOUT=1m30s", "HEZUO_SMS__TOKEN=t=1",
				"HEZUO_TRUSTED_PROXIES= 10.0.0.0/8 , ::1/128,", "HEZUO_RETENTION__IDEMPOTENCY_DAYS=30",
			},
			func(c *Config) {
				c.Environment = Production
				c.ShutdownTimeout = 90 * time.Second
				c.SMS.Token = NewSecret("t=1")
				c.TrustedProxies = []string{"10.0.0.0/8", "::1/128"}
				c.Retention.IdempotencyDays = 30
			},
		},
		"an empty list over the file's": {
			"origins: [https://a.cn]", []string{"HEZUO_ORIGINS="}, func(*Config) {},
		},
		"text is taken as it is written": {
			"sms:\n  token: 0123\n  url: \"null\"\nlisten: yes\n", nil,
			func(c *Config) {
				c.SMS.Token = NewSecret("0123")
				c.SMS.URL = "null"
				c.Listen = "yes"
			},
		},
		"a section whose keys are commented out": {"log:\n  # level: debug\n", nil, func(*Config) {}},
		"an anchor":                              {"listen: &a h:1\nstore: *a\n", nil, func(c *Config) { c.Listen, c.Store = "h:1", "h:1" }},
		"the last of a variable given twice":     {"", []string{"HEZUO_LISTEN=a:1", "HEZUO_LISTEN=b:2"}, func(c *Config) { c.Listen = "b:2" }},
		"what speaks to the tests":               {"", []string{"HEZUO_PROVE=full"}, func(*Config) {}},
		"the master key's file stays a path": {
			"", []string{"HEZUO_VAULT__MASTER_KEY_FILE=/run/key"}, func(c *Config) { c.Vault.MasterKeyFile = "/run/key" },
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := ""
			if tt.file != "" {
				path = write(t, tt.file)
			}
			got, err := Load(path, tt.environ)
			if err != nil {
				t.Fatal(err)
			}
			want := Default()
			tt.want(&want)
			if d := gocmp.Diff(want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestLoadSecretFile(t *testing.T) {
	c, err := Load(write(t, "sms: {token: other}\n"), []string{"HEZUO_SMS__TOKEN_FILE=" + write(t, "  s3cret\n")})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.SMS.Token.Reveal(); got != "s3cret" {
		t.Errorf("token %q", got)
	}
}

func TestLoadFaults(t *testing.T) {
	dir := t.TempDir()
	tests := map[string]struct {
		file    string
		environ []string
		want    map[string]string
	}{
		"unknown keys": {
			"lisen: x\nlog: {lvel: debug}\nlevel: debug\nstrange: {a: 1}\n", nil,
			map[string]string{
				"lisen": "nearest is listen", "log.lvel": "nearest is log.level",
				"level": "nearest is log.level", "strange": "nearest is ",
			},
		},
		"the line is named": {"listen: a:1\n\nlisten: b:2\n", nil, map[string]string{"listen": "line 3): it stands already on line 1"}},
		"a dotted key":      {"log.level: debug\n", nil, map[string]string{"log.level": "write log: and under it, indented, level:"}},
		"a merge key":       {"log: &l {level: debug}\n<<: *l\n", nil, map[string]string{"<<": "no such key"}},
		"unknown variables": {
			"",
			[]string{"HEZUO_LOG_LEVEL=debug", "HEZUO_LEVEL=debug", "HEZUO_SMS__TOKN_FILE=/x", "HEZUO_log__level=x"},
			map[string]string{
				"HEZUO_LOG_LEVEL": "nearest is HEZUO_LOG__LEVEL", "HEZUO_LEVEL": "nearest is HEZUO_LOG__LEVEL",
				"HEZUO_SMS__TOKN_FILE": "nearest is HEZUO_SMS__TOKEN_FILE", "HEZUO_log__level": "no such setting",
			},
		},
		"a section is no variable":    {"", []string{"HEZUO_LOG=debug"}, map[string]string{"HEZUO_LOG": "no such setting"}},
		"only secrets come by a file": {"", []string{"HEZUO_LISTEN_FILE=/x"}, map[string]string{"HEZUO_LISTEN_FILE": "no such setting"}},
		"values of the wrong kind": {
			"limits: {body_bytes: 1e6, socket_queue: [1]}\nshutdown_timeout: 15\norigins: https://a.cn\nlog: debug\nlisten:\n", nil,
			map[string]string{
				"limits.body_bytes":   `"1e6" is not a whole number; give one from 1024 to 67108864 bytes`,
				"limits.socket_queue": "not a single value",
				"shutdown_timeout":    "15s",
				"origins":             "not a list",
				"log":                 "it is a section",
				"listen":              "no value",
			},
		},
		"lists of lists": {"origins: [[a]]\ntrusted_proxies: {a: b}\n", nil, map[string]string{"origins": "single", "trusted_proxies": "not a list"}},
		"the file's faults and the environment's together": {
			"lisen: x\n",
			[]string{"HEZUO_SMS__TIMEOUT=soon", "HEZUO_RETENTION__IDEMPOTENCY_DAYS="},
			map[string]string{"lisen": "", "sms.timeout": "(HEZUO_SMS__TIMEOUT)", "retention.idempotency_days": "1 to 365 days"},
		},
		"a secret given twice": {
			"", []string{"HEZUO_SMS__TOKEN=a", "HEZUO_SMS__TOKEN_FILE=/x"}, map[string]string{"sms.token": "HEZUO_SMS__TOKEN is given too"},
		},
		"a secret's file that is not there": {
			"", []string{"HEZUO_SMS__TOKEN_FILE=" + filepath.Join(dir, "none")}, map[string]string{"sms.token": "no such file"},
		},
		"a secret's file that is empty": {
			"", []string{"HEZUO_SMS__TOKEN_FILE=" + write(t, " \n")}, map[string]string{"sms.token": "is empty"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := ""
			if tt.file != "" {
				path = write(t, tt.file)
			}
			c, err := Load(path, tt.environ)
			if d := gocmp.Diff(Config{}, c); d != "" {
				t.Errorf("a Config was returned with the error: %s", d)
			}
			wantFaults(t, err, tt.want)
		})
	}
}

func TestLoadFileFaults(t *testing.T) {
	for name, content := range map[string]string{
		"not YAML":         "a: [\n",
		"a list":           "- a\n",
		"a word":           "hezuo\n",
		"two documents":    "listen: a:1\n---\nlisten: b:1\n",
		"an unknown alias": "listen: *a\n",
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, content)
			_, err := Load(path, nil)
			wantFaults(t, err, map[string]string{path: ""})
		})
	}
	t.Run("none", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "none.yaml")
		_, err := Load(path, nil)
		wantFaults(t, err, map[string]string{path: "cannot be read"})
		if !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the cause is not wrapped: %v", err)
		}
	})
}

// FuzzParse looks for files that break the reading, or are not read the same
// way twice.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"listen: a:1\norigins: [b, c]\nlog: {level: debug}\n", "a: &a [*a]\n<<: *a\n", "--- !!binary x\n", "? [a]\n: b\n", "---\n...\n---\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		read := func() loader {
			l := loader{config: Default(), fields: fields()}
			l.parse("file", content)
			return l
		}
		one, two := read(), read()
		if d := gocmp.Diff(one.config, two.config); d != "" || len(one.errs) != len(two.errs) {
			t.Errorf("read twice, it differs: %s\n%v\n%v", d, one.errs, two.errs)
		}
		for _, e := range one.errs {
			if e.Error() == "" {
				t.Error("an error without text")
			}
		}
	})
}

// valid is a Config that has nothing wrong.
func valid() Config {
	c := Default()
	c.Vault.MasterKey = NewSecret(masterKey)
	return c
}

func TestValidate(t *testing.T) {
	keyFile := write(t, masterKey+"\n")
	production := func(c *Config) {
		c.Environment = Production
		c.PublicURL = "https://gigs.example.cn"
		c.SMS.Sender = SenderHTTP
		c.SMS.URL = "https://sms.example.cn/send?v=2"
	}
	tests := map[string]struct {
		change func(*Config)
		want   map[string]string // nil if nothing is wrong
	}{
		"the defaults with a key":     {func(*Config) {}, nil},
		"the key in a file":           {func(c *Config) { c.Vault = Vault{MasterKeyFile: keyFile} }, nil},
		"production":                  {production, nil},
		"production behind loopback":  {func(c *Config) { production(c); c.PublicURL = "http://[::1]:8080" }, nil},
		"all addresses, any port":     {func(c *Config) { c.Listen = ":0" }, nil},
		"origins":                     {func(c *Config) { c.Origins = []string{"https://a.cn", "http://b.cn:8080"} }, nil},
		"proxies":                     {func(c *Config) { c.TrustedProxies = []string{"10.0.0.0/8", "::1/128"} }, nil},
		"a file's address with query": {func(c *Config) { c.Store = "sqlite:/var/lib/hezuo/a.db" }, nil},

		"no key":                   {func(c *Config) { c.Vault = Vault{} }, map[string]string{"vault.master_key": "HEZUO_VAULT__MASTER_KEY_FILE"}},
		"two keys":                 {func(c *Config) { c.Vault.MasterKeyFile = keyFile }, map[string]string{"vault.master_key": "keep one"}},
		"a key that is not base64": {func(c *Config) { c.Vault.MasterKey = NewSecret("hunter2!") }, map[string]string{"vault.master_key": "base64"}},
		"a short key":              {func(c *Config) { c.Vault.MasterKey = NewSecret("aGk=") }, map[string]string{"vault.master_key": "2 bytes, not 32"}},
		"a key's file not there":   {func(c *Config) { c.Vault = Vault{MasterKeyFile: keyFile + "x"} }, map[string]string{"vault.master_key_file": "no such file"}},
		"a key's file with no key": {func(c *Config) { c.Vault = Vault{MasterKeyFile: write(t, "hi")} }, map[string]string{"vault.master_key_file": "base64"}},

		"the console in production": {
			func(c *Config) { production(c); c.SMS.Sender = SenderConsole },
			map[string]string{"sms.sender": "set sms.sender to http and sms.url"},
		},
		"http without an address": {func(c *Config) { c.SMS.Sender = SenderHTTP }, map[string]string{"sms.url": "nowhere"}},
		"http to no address":      {func(c *Config) { c.SMS.Sender, c.SMS.URL = SenderHTTP, "sms.example.cn" }, map[string]string{"sms.url": "https://"}},
		"no TLS in production": {
			func(c *Config) { production(c); c.SMS.URL = "http://sms.example.cn"; c.PublicURL = "http://a.cn" },
			map[string]string{"sms.url": "TLS", "public_url": "TLS"},
		},

		"unknown words": {
			func(c *Config) { c.Environment = "prod"; c.Log = Log{"loud", "xml"}; c.SMS.Sender = "pigeon" },
			map[string]string{"environment": "development or production", "log.level": `"loud"`, "log.format": "text or json", "sms.sender": "console or http"},
		},
		"out of range": {
			func(c *Config) {
				c.ShutdownTimeout = 0
				c.SMS.Timeout = time.Hour
				c.Limits = Limits{BodyBytes: 1 << 30, SocketFrameBytes: 1023}
				c.Retention.IdempotencyDays = -1
			},
			map[string]string{
				"shutdown_timeout": "0s is out of range; set it from 1s to 5m", "sms.timeout": "1h0m0s",
				"limits.body_bytes": "67108864 bytes", "limits.socket_frame_bytes": "1023", "limits.socket_queue": "frames",
				"limits.requests_per_minute": "", "limits.anonymous_per_minute": "", "limits.codes_per_phone_per_hour": "",
				"limits.codes_per_address_per_hour": "", "retention.idempotency_days": "",
			},
		},
		"a port alone":          {func(c *Config) { c.Listen = "8080" }, map[string]string{"listen": "127.0.0.1:8080"}},
		"a port by name":        {func(c *Config) { c.Listen = "localhost:http" }, map[string]string{"listen": ""}},
		"a port too high":       {func(c *Config) { c.Listen = "localhost:65536" }, map[string]string{"listen": ""}},
		"another store":         {func(c *Config) { c.Store = "mongodb://u:hunter2@h/d" }, map[string]string{"store": "mongodb: addresses; write sqlite:"}},
		"a store without kind":  {func(c *Config) { c.Store = "hunter2" }, map[string]string{"store": "sqlite:"}},
		"a store without file":  {func(c *Config) { c.Store = "sqlite:" }, map[string]string{"store": "names no file"}},
		"a proxy's address":     {func(c *Config) { c.TrustedProxies = []string{"::1"} }, map[string]string{"trusted_proxies": "write ::1/128"}},
		"a proxy's name":        {func(c *Config) { c.TrustedProxies = []string{"nginx"} }, map[string]string{"trusted_proxies": "10.0.0.0/8"}},
		"everyone as a proxy":   {func(c *Config) { c.TrustedProxies = []string{"0.0.0.0/0"} }, map[string]string{"trusted_proxies": "everyone"}},
		"an address not masked": {func(c *Config) { c.TrustedProxies = []string{"10.1.2.3/8"} }, map[string]string{"trusted_proxies": "write 10.0.0.0/8"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := valid()
			tt.change(&c)
			err := c.Validate()
			wantFaults(t, err, tt.want)
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}

func TestValidateReportsEverything(t *testing.T) {
	wanted := map[string]bool{}
	for _, f := range fields() {
		// Of the zero Config, what may be empty is not at fault.
		switch {
		case f.section, f.list(), f.key == "vault.master_key_file", f.key == "sms.url", f.key == "sms.token":
		default:
			wanted[f.key] = true
		}
	}
	for _, e := range faults(t, Config{}.Validate()) {
		delete(wanted, e.Key)
	}
	if len(wanted) > 0 {
		t.Errorf("no fault reported for %v", wanted)
	}
}

func TestOrigin(t *testing.T) {
	for origin, fault := range map[string]string{
		"https://a.cn":           "",
		"http://127.0.0.1:8080":  "",
		"https://[::1]:8443":     "",
		"https://xn--fiqs8s.cn":  "",
		"https://a.cn/":          "more than scheme",
		"https://a.cn/app":       "more than scheme",
		"https://a.cn?":          "more than scheme",
		"https://a.cn#":          "more than scheme",
		"https://u:hunter2@a.cn": "more than scheme",
		"https://A.cn":           "capital",
		"https://中国.cn":          "ASCII",
		"https://a.cn:443":       "goes without saying",
		"http://a.cn:80":         "goes without saying",
		"http://a.cn:":           "goes without saying",
		"https://a.cn:65536":     "beyond 65535",
		"https://*.a.cn":         "wildcard",
		"*":                      "not an http",
		"null":                   "not an http",
		"":                       "not an http",
		"a.cn":                   "not an http",
		"ws://a.cn":              "not an http",
		"https://":               "not an http",
		"https://a b.cn":         "not an http",
	} {
		for key, set := range map[string]func(*Config){
			"origins":    func(c *Config) { c.Origins = []string{origin} },
			"public_url": func(c *Config) { c.PublicURL = origin },
		} {
			c := valid()
			set(&c)
			err := c.Validate()
			want := map[string]string{key: fault}
			if fault == "" {
				want = nil
			}
			t.Run(cmp.Or(origin, "empty")+" "+key, func(t *testing.T) {
				wantFaults(t, err, want)
				if err != nil && strings.Contains(err.Error(), "hunter2") {
					t.Errorf("the error tells a password: %v", err)
				}
			})
		}
	}
}

func TestVaultKey(t *testing.T) {
	for name, v := range map[string]Vault{
		"given":     {MasterKey: NewSecret(masterKey)},
		"in a file": {MasterKeyFile: write(t, "\n"+masterKey+"\n")},
	} {
		key, err := v.Key()
		if err != nil || len(key) != MasterKeyBytes {
			t.Errorf("%s: %d bytes, %v", name, len(key), err)
		}
	}
}
