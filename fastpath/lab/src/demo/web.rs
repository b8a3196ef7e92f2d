//! The real web server and the real client.

use std::{
    net::{SocketAddr, TcpStream},
    path::Path,
    process::Command,
    time::Duration,
};

use fastpath_lab::{LabError, Namespace, Process, SERVER_IP, wait_until};

/// Name and size of the file to download.
pub(crate) const BULK: (&str, usize) = ("bulk.bin", 50_000_000);
/// The page.
const PAGE: &str = "<h1>An ordinary page</h1>\n";

/// A web server in a namespace on port 80, and the folder it serves.
pub(crate) struct WebServer {
    /// What it is called.
    pub(crate) name: &'static str,
    /// The folder it serves.
    pub(crate) folder: tempfile::TempDir,
    _process: Process,
}

impl WebServer {
    /// Starts nginx, or Python's where there is none.
    pub(crate) fn start(namespace: &Namespace) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("index.html"), PAGE)?;
        std::fs::write(folder.path().join(BULK.0), bulk())?;
        let (name, mut command) = if found("nginx") {
            let config = folder.path().join("nginx.conf");
            std::fs::write(&config, nginx_config(folder.path()))?;
            let mut command = namespace.command("nginx");
            command.arg("-e").arg(folder.path().join("error.log")).arg("-c").arg(config);
            ("nginx", command)
        } else {
            let mut command = namespace.command("python3");
            command.args(["-m", "http.server", "80", "--bind", &SERVER_IP.to_string(), "--directory"]);
            command.arg(folder.path());
            ("python3 -m http.server", command)
        };
        let process = Process::spawn(&mut command)?;
        let address = SocketAddr::from((SERVER_IP, 80));
        let up = namespace.enter(|| {
            let patience = Duration::from_secs(10);
            wait_until(patience, || TcpStream::connect_timeout(&address, patience).is_ok())
        })?;
        anyhow::ensure!(up, "{name} does not come up: {}{}", process.stderr(), process.stdout());
        Ok(Self { name, folder, _process: process })
    }
}

/// Whether a program is installed.
fn found(program: &str) -> bool {
    Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .output()
        .is_ok_and(|o| o.status.success())
}

/// 50 MB that differ everywhere, so that a piece out of place is seen.
fn bulk() -> Vec<u8> {
    (0..BULK.1 / 4)
        .flat_map(|i| u32::try_from(i).unwrap_or(0).wrapping_mul(2_654_435_761).to_be_bytes())
        .collect()
}

/// One process, everything it writes in `folder`.
fn nginx_config(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "user root; daemon off; master_process off; pid {folder}/nginx.pid;
         events {{ worker_connections 256; }}
         http {{
             access_log off;
             client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
             fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
             server {{ listen 80; root {folder}; }}
         }}"
    )
}

/// How a curl ended.
pub(crate) enum Curl {
    /// It got answers with these HTTP status codes.
    Answered(Vec<u16>),
    /// No answer in time.
    Silence,
}

/// Runs curl on a path of the server (or several, by curl's `[1-9]`), every request over a connection of its
/// own, and writes what it gets to `output`.
pub(crate) fn curl(
    client: &Namespace,
    path: &str,
    seconds: f32,
    output: &Path,
    more: &[&str],
) -> anyhow::Result<Curl> {
    let output = client
        .command("curl")
        .args(["--silent", "--path-as-is", "--header", "Connection: close"])
        .args(["--write-out", "%{http_code}\n", "--output"])
        .arg(output)
        .args(["--max-time", &seconds.to_string()])
        .args(more)
        .arg(format!("http://{SERVER_IP}{path}"))
        .output()
        .map_err(|error| anyhow::anyhow!("curl: {error}"))?;
    let codes = String::from_utf8_lossy(&output.stdout);
    match output.status.code() {
        Some(0) => Ok(Curl::Answered(codes.lines().filter_map(|line| line.parse().ok()).collect())),
        // CURLE_COULDNT_CONNECT, CURLE_OPERATION_TIMEDOUT (curl's manual, EXIT CODES)
        Some(7 | 28) => Ok(Curl::Silence),
        _ => Err(LabError::Command {
            command: format!("curl {path}"),
            status: output.status.to_string(),
            output: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
        .into()),
    }
}
