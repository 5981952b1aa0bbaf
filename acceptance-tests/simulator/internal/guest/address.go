package guest

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// keyAddress is the mark that holds a node's management address.
const keyAddress = "vio.management_address"

// addressPattern finds an address after "addresses:" or "address:" in cloud-init's metadata, whether YAML or JSON.
var addressPattern = regexp.MustCompile(`address(?:es)?"?\s*:[\s\["'-]*(\d{1,3}(?:\.\d{1,3}){3})`)

// hostNamePattern finds the host name in cloud-init's metadata.
var hostNamePattern = regexp.MustCompile(`hostname"?\s*:\s*["']?([A-Za-z0-9.-]+)`)

// addressOf finds a machine's address: its mark, its metadata, or else what a DHCP server might give it.
func addressOf(name string, extraConfig map[string]string) string {
	if address, ok := extraConfig[keyAddress]; ok && address != "" {
		address, _, _ = strings.Cut(address, "/")
		return address
	}
	if match := addressPattern.FindStringSubmatch(metadata(extraConfig)); match != nil {
		return match[1]
	}
	// 198.18.0.0/15 is set aside for tests.
	sum := sha256.Sum256([]byte(name))
	return fmt.Sprintf("198.18.%d.%d", sum[0], 1+sum[1]%254)
}

func hostNameOf(name string, extraConfig map[string]string) string {
	if match := hostNamePattern.FindStringSubmatch(metadata(extraConfig)); match != nil {
		return match[1]
	}
	return name
}

// metadata decodes guestinfo.metadata as DataSourceVMware does; "" when there is none or it cannot be read.
func metadata(extraConfig map[string]string) string {
	text := extraConfig["guestinfo.metadata"]
	encoding := extraConfig["guestinfo.metadata.encoding"]
	if encoding == "" {
		return text
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return ""
	}
	if !strings.HasPrefix(encoding, "gz") {
		return string(raw)
	}
	reader, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return ""
	}
	unpacked, err := io.ReadAll(io.LimitReader(reader, maxDocumentBytes))
	if err != nil {
		return ""
	}
	return string(unpacked)
}
