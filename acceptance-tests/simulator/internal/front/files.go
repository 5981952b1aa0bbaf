package front

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/vmware/govmomi/simulator"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/vc"
	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/wsdl"
)

// folderPath is where the files of datastores are: /folder/<path>?dcPath=<datacenter>&dsName=<datastore>.
const folderPath = "/folder/"

// serveWSDL describes the API to clients that build their calls from its description.
func serveWSDL(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/xml")
	_, _ = w.Write(wsdl.Document())
}

// serveFolder gives and takes the files of datastores. The simulator's own would do so without a session, and would take
// a DELETE for a GET.
func (s *Server) serveFolder(w http.ResponseWriter, r *http.Request) {
	if !s.sessions.authenticated(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="VMware HTTP server"`)
		http.Error(w, "log in first", http.StatusUnauthorized)
		return
	}
	datastore := s.datastore(r.URL.Query().Get("dcPath"), r.URL.Query().Get("dsName"))
	if datastore == nil {
		http.Error(w, "there is no such datastore", http.StatusNotFound)
		return
	}
	file := filepath.Join(datastore.Summary.Url, path.Clean("/"+strings.TrimPrefix(r.URL.Path, folderPath)))
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		sendFile(w, r, file)
	case http.MethodPut:
		takeFile(w, r, file)
	case http.MethodDelete:
		answerFile(w, os.Remove(file), http.StatusNoContent)
	default:
		http.Error(w, "not with files", http.StatusMethodNotAllowed)
	}
}

// datastore finds a datastore by its name and the inventory path of its datacenter, or nil.
func (s *Server) datastore(datacenter, name string) *simulator.Datastore {
	for _, entity := range s.reg.All("Datastore") {
		if ds, ok := entity.(*simulator.Datastore); ok && ds.Name == name && ds.Parent != nil {
			folder := vc.Path(s.reg, *ds.Parent)
			if strings.HasPrefix(folder, path.Join("/", datacenter)+"/") {
				return ds
			}
		}
	}
	return nil
}

func sendFile(w http.ResponseWriter, r *http.Request, name string) {
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		answerFile(w, err, 0)
		return
	}
	file, err := os.Open(name)
	if err != nil {
		answerFile(w, err, 0)
		return
	}
	defer func() { _ = file.Close() }()
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", info.ModTime(), file)
}

// takeFile writes a file, of which nothing is left when it does not come whole.
func takeFile(w http.ResponseWriter, r *http.Request, name string) {
	status := http.StatusOK
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		status = http.StatusCreated
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		answerFile(w, err, 0)
		return
	}
	file, err := os.CreateTemp(filepath.Dir(name), ".upload-")
	if err != nil {
		answerFile(w, err, 0)
		return
	}
	_, err = io.Copy(file, r.Body)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), name)
	}
	if err != nil {
		_ = os.Remove(file.Name())
	}
	answerFile(w, err, status)
}

// answerFile tells how it went with a file.
func answerFile(w http.ResponseWriter, err error, status int) {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		http.Error(w, "there is no such file", http.StatusNotFound)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		w.WriteHeader(status)
	}
}
