import pendulum
from airflow.decorators import dag, task


@dag(schedule="@weekly", start_date=pendulum.datetime(2026, 1, 1, tz="Europe/Amsterdam"), catchup=False)
def weekly_summary():
    @task
    def extract():
        return 1

    extract()


weekly_summary()
