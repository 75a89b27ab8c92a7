from datetime import datetime, timedelta

from airflow import DAG
from airflow.operators.bash import BashOperator

default_args = {"owner": "data", "retries": 2, "retry_delay": timedelta(minutes=5)}

with DAG(
    "daily_export",
    default_args=default_args,
    description="Exports the day",
    schedule="0 6 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=True,
    tags=["export"],
) as dag:
    BashOperator(task_id="print_date", bash_command="date")
