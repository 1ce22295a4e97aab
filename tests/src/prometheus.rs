//! A Prometheus that watches a house, from the distribution's package.

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{House, free_port, person::plain_client, project};

/// A running Prometheus with the rules of `ops/prometheus`, which looks every second.
#[derive(Debug)]
pub struct Prometheus {
    url: String,
    child: Child,
    _folder: TempDir,
}

impl Prometheus {
    /// Starts it, and waits until it has looked at the house.
    pub async fn watching(house: &House) -> Self {
        let folder = tempfile::tempdir().expect("a folder for Prometheus");
        let (port, rules) = (free_port(), project().join("ops/prometheus/vestibule.rules.yml"));
        let target = house.ops.trim_start_matches("http://");
        let config = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [{}]\nscrape_configs:\n- job_name: vestibule\n  static_configs: \
             [{{targets: ['{target}']}}]\n",
            rules.display()
        );
        let file = folder.path().join("prometheus.yml");
        std::fs::write(&file, config).expect("its configuration can be written");
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .args(["--enable-feature=exemplar-storage", "--log.level=error"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("prometheus starts; run tests/run once");
        let prometheus = Self { url: format!("http://127.0.0.1:{port}"), child, _folder: folder };
        prometheus.finds("up == 1").await;
        prometheus
    }

    /// What a query finds.
    pub async fn query(&self, query: &str) -> Result<Vec<Value>, String> {
        let answer = self.get("/api/v1/query", &[("query", query)]).await?;
        // A number by itself is an answer too.
        match &answer["result"] {
            Value::Array(found) => Ok(found.clone()),
            other => Ok(vec![other.clone()]),
        }
    }

    /// Waits until a query finds something.
    pub async fn finds(&self, query: &str) -> Vec<Value> {
        let began = Instant::now();
        loop {
            let found = self.query(query).await;
            if let Ok(found) = &found
                && !found.is_empty()
            {
                return found.clone();
            }
            assert!(began.elapsed() < Duration::from_mins(1), "{query}: {found:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// What an address of its API answers.
    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, String> {
        let mut url = url::Url::parse(&format!("{}{path}", self.url)).expect("an address");
        url.query_pairs_mut().extend_pairs(query);
        let answer = plain_client().get(url).send().await.map_err(|error| error.to_string())?;
        let answer: Value = answer.json().await.map_err(|error| error.to_string())?;
        if answer["status"] == "success" { Ok(answer["data"].clone()) } else { Err(answer["error"].to_string()) }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
