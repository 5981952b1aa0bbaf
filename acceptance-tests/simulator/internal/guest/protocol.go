// Package guest brings paper guests to life: in this process, without any operating system, they get an address, run
// VMware Tools and act as the node agent behind every virtual machine that is powered on.
package guest

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Keys of the agent's protocol.
const (
	keyDesired  = "guestinfo.vio.desired"
	keyRevision = "guestinfo.vio.desired.revision"
	keyRepair   = "guestinfo.vio.desired.repair"
	keyStatus   = "guestinfo.vio.status"
)

// maxDocumentBytes bounds what a document may unpack to.
const maxDocumentBytes = 64 << 20

// Phases of a node.
const (
	phaseApplying = "applying"
	phaseReady    = "ready"
	phaseWaiting  = "waiting"
	phaseFailed   = "failed"
)

// Document is the part of a desired document that a paper guest understands.
type Document struct {
	Version  int     `json:"version"`
	Node     string  `json:"node"`
	Kind     string  `json:"kind"`
	Release  string  `json:"release"`
	Files    []File  `json:"files"`
	Services []Named `json:"services"`
	Checks   []Named `json:"checks"`
}

// File is a file of the node.
type File struct {
	Path    string `json:"path"`
	Content string `json:"content"`
}

// Named is anything with a name.
type Named struct {
	Name string `json:"name"`
}

// Status is what the agent reports.
type Status struct {
	Version     int                `json:"version"`
	Revision    string             `json:"revision"`
	Phase       string             `json:"phase"`
	WaitingFor  string             `json:"waiting_for"`
	Services    map[string]Service `json:"services"`
	Cluster     json.RawMessage    `json:"cluster"`
	FilesDigest string             `json:"files_digest,omitempty"`
	Target      string             `json:"target"`
	Unreadable  bool               `json:"unreadable"`
	Error       string             `json:"error"`
}

// Service is the health of a service or a check.
type Service struct {
	Healthy bool   `json:"healthy"`
	Detail  string `json:"detail"`
}

// readDocument unpacks the desired document and checks it against its revision.
func readDocument(extraConfig map[string]string) ([]byte, error) {
	packed, err := joinParts(extraConfig)
	if err != nil {
		return nil, err
	}
	compressed, err := base64.StdEncoding.DecodeString(packed)
	if err != nil {
		return nil, fmt.Errorf("%s is not base64: %w", keyDesired, err)
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return nil, fmt.Errorf("%s is not compressed: %w", keyDesired, err)
	}
	raw, err := io.ReadAll(io.LimitReader(unpacked, maxDocumentBytes))
	if err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", keyDesired, err)
	}
	sum := sha256.Sum256(raw)
	if revision := hex.EncodeToString(sum[:]); revision != extraConfig[keyRevision] {
		return nil, fmt.Errorf("the document's revision is %s, but %s says %s", revision, keyRevision, extraConfig[keyRevision])
	}
	return raw, nil
}

// packedDocument returns the values that readDocument needs.
func packedDocument(extraConfig map[string]string) map[string]string {
	packed := map[string]string{}
	for key, value := range extraConfig {
		if strings.HasPrefix(key, keyDesired) {
			packed[key] = value
		}
	}
	return packed
}

// joinParts returns the packed document, whose parts lie in numbered keys when it is long.
func joinParts(extraConfig map[string]string) (string, error) {
	packed := extraConfig[keyDesired]
	count, ok := strings.CutPrefix(packed, "parts:")
	if !ok {
		return packed, nil
	}
	n, err := strconv.Atoi(count)
	if err != nil {
		return "", fmt.Errorf("%s has an unreadable number of parts: %w", keyDesired, err)
	}
	var joined strings.Builder
	for i := 1; i <= n; i++ {
		part, ok := extraConfig[fmt.Sprintf("%s.%d", keyDesired, i)]
		if !ok {
			return "", fmt.Errorf("part %d of %d of %s is missing", i, n, keyDesired)
		}
		joined.WriteString(part)
	}
	return joined.String(), nil
}

// parseDocument reads a document; unknown fields are ignored.
func parseDocument(raw []byte) (Document, error) {
	var doc Document
	if err := json.Unmarshal(raw, &doc); err != nil {
		return doc, fmt.Errorf("the document is not JSON: %w", err)
	}
	if doc.Version != 1 {
		return doc, fmt.Errorf("the document has version %d, this agent understands 1", doc.Version)
	}
	return doc, nil
}

// filesDigest is the digest of a node's files: for each, sorted by path, the path, a NUL, the content, a NUL.
func filesDigest(files []File) string {
	sorted := slices.Clone(files)
	slices.SortFunc(sorted, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	sum := sha256.New()
	for _, file := range sorted {
		sum.Write([]byte(file.Path))
		sum.Write([]byte{0})
		sum.Write([]byte(file.Content))
		sum.Write([]byte{0})
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// newStatus is a report about a phase.
func newStatus(revision, phase string) Status {
	return Status{Version: 1, Revision: revision, Phase: phase, Services: map[string]Service{}, Cluster: json.RawMessage("{}")}
}

// readyStatus reports everything in a document healthy, with the files as they are.
func readyStatus(revision string, doc Document, filesDigest string) Status {
	status := newStatus(revision, phaseReady)
	for _, named := range append(slices.Clone(doc.Services), doc.Checks...) {
		status.Services[named.Name] = Service{Healthy: true}
	}
	status.Target, status.FilesDigest = revision, filesDigest
	return status
}
