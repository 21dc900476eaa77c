"""LlamaIndex doing the same job, for benchmarks/index.py; runs in an environment of its own (the extra `bench`), without Faldone.

    PEER_PYTHON benchmarks/peer.py MODEL_FOLDER STORE_FOLDER FILE…

Its defaults throughout: SimpleDirectoryReader's PDF reader, SentenceSplitter of 256 tokens with an overlap of 20, HuggingFaceEmbedding, and
LanceDB as vector store.
"""

from __future__ import annotations

import json
import sys


def main() -> None:
    from llama_index.core import SimpleDirectoryReader
    from llama_index.core.ingestion import IngestionPipeline
    from llama_index.core.node_parser import SentenceSplitter
    from llama_index.embeddings.huggingface import HuggingFaceEmbedding
    from llama_index.vector_stores.lancedb import LanceDBVectorStore

    model, store, *files = sys.argv[1:]
    documents = SimpleDirectoryReader(input_files=files).load_data()
    pipeline = IngestionPipeline(
        transformations=[
            SentenceSplitter(chunk_size=256, chunk_overlap=20),
            HuggingFaceEmbedding(model_name=model, device="cpu"),
        ],
        vector_store=LanceDBVectorStore(uri=store, mode="overwrite"),
    )
    nodes = pipeline.run(documents=documents)
    print(json.dumps({"pages": len(documents), "chunks": len(nodes)}))


if __name__ == "__main__":
    main()
